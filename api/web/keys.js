// The claim keys of a device: what there are, a new one, which is shown this once, and taking one back.

import { call } from "./api.js";
import { h, replace } from "./dom.js";
import { confirm, copy, failure, skeleton } from "./page.js";
import { DAY_MS, lifeSelect, moment, origin, until } from "./words.js";

/** `{element, load, isShown, mayLeave}`: `isShown` says whether a new key still stands there, `mayLeave` asks then. `change` is called when one was made or taken. */
export function keysOf({ deviceId, name, owner }, change) {
  const path = `api/devices/${deviceId}/claim-keys`;
  const rows = h("div", { "aria-busy": "true" }, skeleton(2));
  const shown = h("div", { class: "shown", tabIndex: -1, hidden: true });
  const problem = h("p", { class: "problem", role: "alert" });
  const life = lifeSelect({ id: "key-life" });
  const make = h("button", {}, "Make a key");
  const form = h("form", { class: "toolbar" }, h("label", { for: life.id }, "New key, good for"), life, make);
  const title = h("h3", { id: "keys-title", tabIndex: -1 }, "Claim keys");
  const element = h("section", { "aria-labelledby": title.id }, title,
    owner ? h("p", { class: "muted" }, "A key is for a device that nobody owns.") : form, shown, problem, rows);

  async function load() {
    try {
      const { data } = await call("GET", path);
      replace(rows, data.length > 0
        ? h("ul", { class: "keys" }, data.map(item))
        : h("p", { class: "muted" }, "None. It cannot be claimed now."));
    } catch (refused) {
      replace(rows, failure(refused, load));
    }
    rows.removeAttribute("aria-busy");
  }

  function item(key) {
    const revoke = h("button", { type: "button", class: "danger",
      "aria-label": `Revoke the key: ${origin(key)}`, onclick: () => take(key) }, "Revoke …");
    return h("li", {},
      h("div", {},
        h("strong", {}, origin(key)), key.empty && [" ", h("span", { class: "badge warn" }, "Empty: the name is enough")],
        h("p", { class: "muted" }, moment(key.issuedAt), key.notBefore > Date.now() && [", works ", until(key.notBefore)],
          ", runs out ", until(key.expirationTime))),
      revoke);
  }

  async function take(key) {
    const isSure = await confirm({
      title: "Revoke this key?",
      text: "Nobody can claim the device with it any longer, and a label with it is of no use.",
      yes: "Revoke",
    });
    if (!isSure) {
      return;
    }
    replace(problem);
    try {
      await call("DELETE", `${path}/${key.keyId}`);
      change();
    } catch (refused) {
      replace(problem, refused.detail);
    }
    await load();
    title.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    replace(problem);
    make.disabled = true;
    try {
      const { data } = await call("POST", path, { body: { durationMs: Number(life.value) * DAY_MS } });
      change();
      show(data.secretKey);
    } catch (refused) {
      replace(problem, refused.detail);
    }
    make.disabled = false;
    if (!isShown()) {
      make.focus();
    }
    await load();
  });

  function show(key) {
    const text = h("code", { class: "key" }, key);
    const copied = h("span", { class: "good", role: "status" });
    replace(shown, h("div", { class: "notice warn" },
      h("p", {}, h("strong", {}, `The new key of ${name}`), ". It is shown this once: note it now."),
      h("p", {}, text),
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: async () => replace(copied, await copy(key, text)) }, "Copy"), copied,
        h("button", { type: "button", class: "primary", onclick: hide }, "I have noted it"))));
    form.hidden = true;
    shown.hidden = false;
    shown.focus();
  }

  function hide() {
    replace(shown);
    shown.hidden = true;
    form.hidden = false;
    title.focus();
  }

  const isShown = () => !shown.hidden;

  async function mayLeave() {
    return !isShown() || confirm({
      title: "Is the key noted?",
      text: "It is not shown again. Another one can be made at any time.",
      yes: "Yes, go on",
    });
  }

  return { element, load, isShown, mayLeave };
}
