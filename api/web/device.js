// The life of one device: what happened, and a slider that shows the device as it was after each event. The address has the
// device's id and, behind a slash, the position of the event that is looked at, so that it can be sent to somebody.

import { call } from "./api.js";
import { count, h, replace, time } from "./dom.js";
import { find } from "./find.js";
import { badge, narrator, tone, word } from "./history.js";
import { failure, start } from "./page.js";
import { changes, facts } from "./state.js";

const PAGE = 1_000;
/** So many events are read at once, and so many of them listed. */
const AT_ONCE = 10_000;
const WINDOW = 200;
/** How long the slider stands still before the state is asked for. */
const STILL_MS = 150;
const TITLE = "History of a device";
const NOWHERE = [400, 404];
const wide = matchMedia("(min-width: 60rem)");
let again = null;
let asked = 0;

start({
  roles: ["TENANT_ADMIN", "AUDITOR"],
  title: TITLE,
  async render(main) {
    again = () => main.isConnected && show(main).catch((error) =>
      replace(main, h("h1", { tabIndex: -1 }, TITLE), failure(error, again), h("p", {}, h("a", { href: "device" }, "Find a device"))));
    await again();
  },
});

addEventListener("hashchange", async () => {
  await again?.();
  // It is another page to who sees or hears it.
  scrollTo(0, 0);
  document.querySelector("main h1")?.focus();
});

async function show(main) {
  const mine = (asked += 1);
  const [id, position] = location.hash.slice(1).split("/");
  if (!id) {
    document.title = `${TITLE} · deed`;
    await find(main);
    return;
  }
  const path = `api/audit/devices/${encodeURIComponent(id)}`;
  const [read, { data: names }] = await Promise.all([eventsOf(path, [], Number(position)), call("GET", `${path}/names`)])
    .catch((error) => {
      if (mine === asked) {
        throw NOWHERE.includes(error.status) ? Object.assign(error, { detail: "No device of yours has this address." }) : error;
      }
      return [];
    });
  if (mine === asked) {
    life(main, { id, path, names, position: Number(position), ...read });
  }
}

/** `{events, isWhole}`, the events oldest first: after the `known` ones as many as are read at once, and as far as `position`. */
async function eventsOf(path, known, position) {
  const events = [...known];
  const enough = known.length + AT_ONCE;
  while (events.length < enough || events.at(-1).position < position) {
    const { data } = await call("GET", `${path}/events`, { query: { after: events.at(-1)?.position, limit: PAGE } });
    events.push(...data);
    if (data.length < PAGE) {
      return { events, isWhole: true };
    }
  }
  return { events, isWhole: false };
}

function life(main, { id, path, events, isWhole, names, position }) {
  const at = events.findIndex((event) => event.position === position);
  const index = at < 0 ? events.length : at + 1;
  const say = narrator(names);
  const named = events.findLast(({ data }) => data.name !== undefined);
  const name = named?.data.name ?? "A device";
  const isGone = events.at(-1)?.eventType === "DeviceRemoved";
  document.title = `${name} · deed`;

  const slider = h("input", { type: "range", id: "moment", min: 0, max: events.length, step: 1, value: index,
    "aria-describedby": "moment-help" });
  const where = h("p", { class: "where" });
  const moment = h("div", { class: "moment" });
  const state = h("div", { class: "state" });
  const news = h("p", { class: "hidden-visually", role: "status" });
  const list = h("ol", { class: "timeline" });
  const part = h("p", { class: "muted" });
  const step = (by, text) => h("button", { type: "button", onclick: () => go(Number(slider.value) + by) }, text);
  const [earlier, later] = [step(-1, "Earlier"), step(1, "Later")];
  const record = h("pre", {}, "");
  const states = new Map();
  let timer = null;
  let shown = [0, 0];
  let isMoved = false;

  /** The device after that many events. Asked for once. */
  function stateAfter(n) {
    const position = n === 0 ? 0 : events[n - 1].position;
    if (!states.has(position)) {
      const asked = call("GET", `${path}/state`, { query: { position } }).then(({ data }) => data);
      asked.catch(() => states.delete(position));
      states.set(position, asked);
    }
    return states.get(position);
  }

  function go(n) {
    slider.value = n;
    isMoved = true;
    moved();
  }

  function moved() {
    const n = Number(slider.value);
    const event = events[n - 1];
    earlier.disabled = n === 0;
    later.disabled = n === events.length;
    const told = event && say.told(event);
    replace(where, n === 0 ? "Before the first event" : `Event ${n} of ${events.length}`);
    replace(moment, event
      ? [h("p", {}, badge(event), " ", exact(event.recordedAt)), h("p", {}, told), h("p", {}, say.who(event))]
      : h("p", {}, "Nothing had happened."));
    slider.setAttribute("aria-valuetext", event
      ? `${n} of ${events.length}, ${time(event.recordedAt).textContent}, ${word(event)}: ${told.textContent}`
      : `Before the first of ${count(events.length, "event", "events")}`);
    replace(record, event ? JSON.stringify(event, null, 2) : "Nothing is recorded yet.");
    mark(n);
    state.setAttribute("aria-busy", "true");
    clearTimeout(timer);
    timer = setTimeout(() => load(n), STILL_MS);
  }

  async function load(n) {
    // Not with each step of the slider: browsers take few changes of the address in a short time.
    history.replaceState(null, "", `#${id}${n > 0 && n < events.length ? `/${events[n - 1].position}` : ""}`);
    try {
      const [now, before] = await Promise.all([stateAfter(n), n > 0 ? stateAfter(n - 1) : null]);
      if (n !== Number(slider.value)) {
        return;
      }
      const shownFacts = facts(now, say);
      const changed = before ? changes(facts(before, say), shownFacts) : [];
      replace(state, h("dl", { class: "facts" }, shownFacts.map(({ title, value }) => [
        h("dt", {}, title),
        h("dd", {}, value, changed.includes(title) && [" ", h("span", { class: "changed" }, "changed")]),
      ])));
      replace(news, changed.length > 0 ? `Changed: ${changed.join(", ")}.` : before ? "Nothing changed by this event." : "");
    } catch (error) {
      if (n !== Number(slider.value)) {
        return;
      }
      replace(state, failure(error, () => load(n)));
    }
    state.removeAttribute("aria-busy");
  }

  /** Marks the event in the list, of which only a part is there if it is long. */
  function mark(n) {
    const first = Math.max(0, Math.min(Math.floor((n - 1) / WINDOW) * WINDOW, events.length - 1));
    if (shown[0] !== first || shown[1] === 0) {
      const some = events.slice(first, first + WINDOW);
      shown = [first, some.length];
      replace(list, some.map((event, i) => item(event, first + i + 1)));
      list.start = first + 1;
      replace(part, events.length > WINDOW && `Events ${first + 1} to ${first + some.length} of ${events.length}`);
    }
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const current = list.children[n - 1 - first];
    current?.setAttribute("aria-current", "true");
    if (wide.matches && isMoved) {
      current?.scrollIntoView({ block: "nearest" });
    }
  }

  function item(event, n) {
    return h("li", { class: tone(event), value: n, onclick: () => go(n) },
      h("p", {}, badge(event), " ", h("span", { class: "muted" }, time(event.recordedAt))),
      h("p", {}, say.told(event)), h("p", {}, say.who(event)));
  }

  slider.addEventListener("input", () => go(Number(slider.value)));
  replace(main,
    h("div", { class: "title" },
      h("h1", { tabIndex: -1, dir: "auto" }, name),
      isGone && h("span", { class: "badge" }, "deleted"),
      h("p", { class: "muted" }, "Device ", h("code", {}, id), " · ", h("a", { href: "device" }, "Find another device"))),
    h("div", { class: "life" },
      h("section", { class: "then", "aria-labelledby": "then-title" },
        h("h2", { id: "then-title" }, "As it was"),
        h("label", { for: slider.id }, "After which event"),
        slider,
        h("div", { class: "marks", "aria-hidden": "true" }, events.length <= WINDOW && [null, ...events].map((event) =>
          h("span", { class: event ? tone(event) : "start" }))),
        h("div", { class: "toolbar" }, earlier, where, later),
        h("p", { id: "moment-help", class: "hidden-visually" }, "Arrow keys go from event to event."),
        moment, state, news,
        h("details", {}, h("summary", {}, "This event as it is recorded"), record)),
      h("section", { class: "happened", "aria-labelledby": "happened-title" },
        h("h2", { id: "happened-title" }, "What happened"),
        h("p", { class: "muted" }, `${count(events.length, "event", "events")}, oldest first. Times are those of ${zone()}.`),
        !isWhole && more(), part, list)));
  moved();

  function more() {
    const button = h("button", { type: "button", onclick: readOn }, "Read on");
    return h("div", { class: "notice" }, h("p", {}, `These are the first ${count(events.length, "event", "events")}.`), button);

    async function readOn() {
      button.disabled = true;
      const mine = asked;
      try {
        const read = await eventsOf(path, events);
        if (mine === asked) {
          life(main, { id, path, names, position: events[Number(slider.value) - 1]?.position, ...read });
          main.querySelector("h1").focus();
        }
      } catch (error) {
        replace(button.parentElement, failure(error, readOn));
      }
    }
  }
}

/** To the millisecond and in UTC as well, as it stands in the log. */
function exact(ms) {
  return h("span", { class: "muted" }, time(ms), h("code", { class: "exact" }, new Date(ms).toISOString()));
}

function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
