// How the element looks. The host page changes it by the custom properties named here and by `::part()`.

const CSS = `
:host {
  --accent: var(--deed-accent, light-dark(#0b57d0, #8ab4ff));
  --accent-text: var(--deed-accent-text, light-dark(#ffffff, #0a1a33));
  --surface: var(--deed-surface, light-dark(#ffffff, #1b2026));
  --text: var(--deed-text, light-dark(#16191d, #eceff3));
  --muted: var(--deed-muted, light-dark(#55606e, #a6b0bd));
  --edge: var(--deed-border, light-dark(#7b8694, #7d8896));
  --border: color-mix(in srgb, var(--edge) 35%, var(--surface));
  --bad: var(--deed-bad, light-dark(#b3261e, #ffb4ab));
  --good: var(--deed-good, light-dark(#146c2e, #7ddb95));
  --radius: var(--deed-radius, 8px);
  --space: var(--deed-space, 16px);
  display: block;
  max-inline-size: 28rem;
  font-family: var(--deed-font, inherit);
  font-size: 1rem;
  line-height: 1.5;
  color: var(--text);
  text-align: start;
}
/* Browsers without light-dark() get the light colours. */
@supports not (color: light-dark(#000, #fff)) {
  :host {
    --accent: var(--deed-accent, #0b57d0); --accent-text: var(--deed-accent-text, #fff);
    --surface: var(--deed-surface, #fff); --text: var(--deed-text, #16191d); --muted: var(--deed-muted, #55606e);
    --edge: var(--deed-border, #7b8694); --border: #d5dae1; --bad: var(--deed-bad, #b3261e); --good: var(--deed-good, #146c2e);
  }
}
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
h2, h3, p, dl, dd { margin: 0; }
.card {
  display: grid;
  gap: var(--space);
  padding: calc(var(--space) * 1.5);
  background: var(--surface);
  border: 1px solid var(--border);
  border-radius: calc(var(--radius) * 1.5);
}
@media (max-width: 30rem) { .card { padding: calc(var(--space) * 1.25); } }
.section { display: grid; gap: var(--space); min-inline-size: 0; }
h2 { font-size: 1.25rem; line-height: 1.3; font-weight: 650; }
h3 { font-size: 1.25rem; line-height: 1.3; font-weight: 650; }
.muted { color: var(--muted); }
.small { font-size: 0.875rem; }
.unseen.unseen {
  position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; padding: 0;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap; border: 0;
}
svg { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; flex: none; }

.field { display: grid; gap: 4px; }
label { font-weight: 600; }
input {
  inline-size: 100%; min-block-size: 48px; padding: 8px 12px;
  font: inherit; font-size: max(1rem, 16px); color: inherit;
  background: transparent; border: 1px solid var(--edge); border-radius: var(--radius);
}
input.key { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; letter-spacing: 0.02em; }
input::placeholder { color: var(--muted); opacity: 1; }
input[aria-invalid="true"] { border-color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad); }
.error { color: var(--bad); font-size: 0.9375rem; }
.hint { color: var(--muted); font-size: 0.9375rem; overflow-wrap: anywhere; }
.hint.loud { color: var(--text); padding: 8px 12px; border-inline-start: 3px solid var(--accent); background: color-mix(in srgb, var(--accent) 8%, transparent); }

button {
  display: inline-flex; align-items: center; justify-content: center; gap: 8px;
  min-block-size: 48px; padding: 8px 16px; inline-size: 100%;
  font: inherit; font-weight: 600; color: var(--accent);
  background: transparent; border: 1px solid transparent; border-radius: var(--radius); cursor: pointer;
}
button.main { color: var(--accent-text); background: var(--accent); }
button.main:hover { background: color-mix(in srgb, var(--accent) 88%, var(--text)); }
button.second { border-color: var(--edge); }
button:not(.main):hover { background: color-mix(in srgb, var(--accent) 10%, transparent); }
button[aria-disabled="true"] { color: var(--muted); background: color-mix(in srgb, var(--muted) 16%, transparent); cursor: not-allowed; }
button.plain { min-block-size: 44px; font-weight: 500; text-decoration: underline; text-underline-offset: 3px; text-decoration-thickness: 1px; }
:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
h3:focus-visible { outline: none; }

.or { display: flex; align-items: center; gap: 12px; color: var(--muted); font-size: 0.875rem; }
.or::before, .or::after { content: ""; flex: 1; border-block-start: 1px solid var(--border); }
.scan { display: grid; gap: 4px; }
.frame { position: relative; overflow: hidden; border-radius: var(--radius); background: #000; aspect-ratio: 1; }
video { display: block; inline-size: 100%; block-size: 100%; object-fit: cover; }
.frame::after { content: ""; position: absolute; inset: 18%; border: 3px solid #fff; border-radius: 16px; box-shadow: 0 0 0 100vmax rgb(0 0 0 / 35%); }

dl { display: grid; gap: 12px; padding: 16px; background: color-mix(in srgb, var(--accent) 6%, transparent); border: 1px solid var(--border); border-radius: var(--radius); }
dt { color: var(--muted); font-size: 0.875rem; }
dd { font-weight: 600; font-size: 1.125rem; overflow-wrap: anywhere; }
dd.key { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; font-weight: 500; font-size: 1rem; }

.outcome { display: grid; grid-template-columns: auto 1fr; gap: 4px 12px; padding: 12px; border: 1px solid var(--bad); border-radius: var(--radius); background: color-mix(in srgb, var(--bad) 7%, transparent); }
.outcome svg { color: var(--bad); }
.outcome > div { display: grid; gap: 4px; overflow-wrap: anywhere; }
.outcome .title { font-weight: 650; }
.outcome .request { color: var(--muted); font-size: 0.8125rem; }
.outcome.good { border-color: var(--good); background: color-mix(in srgb, var(--good) 7%, transparent); }
.outcome.good svg { color: var(--good); }
/* A region that says nothing yet is there all the same, and takes no room. */
[role="alert"]:empty, [role="status"]:empty { position: absolute; }
.countdown { color: var(--muted); font-variant-numeric: tabular-nums; }

.claimed { justify-items: center; text-align: center; padding-block: 8px; }
.claimed .badge { display: grid; place-items: center; inline-size: 64px; block-size: 64px; border-radius: 50%; color: var(--good); background: color-mix(in srgb, var(--good) 14%, transparent); }
.claimed .badge svg { inline-size: 36px; block-size: 36px; }
.claimed .name { font-size: 1.125rem; overflow-wrap: anywhere; }
.claimed slot, .claimed button { inline-size: 100%; }
.claimed slot { display: grid; gap: 8px; }
.account { display: flex; flex-wrap: wrap; align-items: center; gap: 0 8px; padding-block-start: 8px; border-block-start: 1px solid var(--border); overflow-wrap: anywhere; }
.account button { inline-size: auto; padding-inline: 4px; }

.busy::before { content: ""; inline-size: 1em; block-size: 1em; border: 2px solid currentColor; border-inline-end-color: transparent; border-radius: 50%; animation: turn 0.8s linear infinite; }
@keyframes turn { to { rotate: 1turn; } }
@media (prefers-reduced-motion: reduce) { .busy::before { animation: none; } }
@media (forced-colors: active) { button { border-color: ButtonText; } .outcome { border-width: 2px; } }
`;

let sheet;

/** The style sheet that all elements share. */
export function style() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
