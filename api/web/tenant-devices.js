// All devices of a tenant: how each stands with claiming, and what is done with one or with several of them.

import { openDevice, setSwitch } from "./device-dialog.js";
import { count, h, replace } from "./dom.js";
import { handOver } from "./handover.js";
import { listing } from "./listing.js";
import { tell } from "./page.js";
import { badge, legend, until, WANTED_STATES } from "./words.js";

/** The columns that the list can be sorted by, and the others. */
const COLUMNS = [["Name", "name"], ["Type", "type"], ["State"], ["Owner", "customerTitle"], ["Keys"], ["Next expiry"]];
const AT_ONCE = 4;

/** Fills `main`. */
export async function tenantDevices(main) {
  /** Names of the chosen devices by their ids; they stay chosen when another page of the list is shown. */
  const chosen = new Map();
  const bar = h("div", { class: "toolbar selection", role: "group", "aria-label": "Chosen devices", hidden: true });
  /** Whether all devices may register keys, whatever the switch says. */
  let isDefault = false;
  const list = listing({
    path: "api/devices/claiming",
    names: ["device", "devices"],
    hint: "Search by name, label, type or owner",
    query: { state: "", sortProperty: "name", sortOrder: "ASC" },
    filters: [{ name: "state", label: "State", options: WANTED_STATES }],
    show: (rows) => {
      isDefault = rows[0].claimingAllowedByDefault;
      return table(rows, list, choice);
    },
    empty,
  });
  const choice = { has: (id) => chosen.has(id), set };

  function set(device, isChosen) {
    isChosen ? chosen.set(device.deviceId, device.name) : chosen.delete(device.deviceId);
    bar.hidden = chosen.size === 0;
    replace(bar, h("strong", { role: "status" }, count(chosen.size, "chosen", "chosen")),
      h("button", { type: "button", class: "primary", onclick: print }, "Print labels"),
      h("button", { type: "button", onclick: () => allow(true) }, "Allow claiming"),
      h("button", { type: "button", onclick: () => allow(false) }, "Disallow claiming"),
      h("button", { type: "button", class: "quiet", onclick: clear }, "Choose none"));
  }

  function clear() {
    chosen.clear();
    bar.hidden = true;
    for (const box of list.element.querySelectorAll("input[type=checkbox]")) {
      box.checked = false;
    }
    list.element.querySelector("input").focus();
  }

  function print() {
    if (handOver({ ids: [...chosen.keys()], names: [...chosen.values()] })) {
      location.assign("labels");
    } else {
      tell("These are too many to be chosen one by one: the page of labels takes a search, too.", false);
    }
  }

  async function allow(isAllowed) {
    const waiting = [...chosen];
    const total = waiting.length;
    const failed = [];
    const pressed = document.activeElement;
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        await setSwitch(next[0], isAllowed).catch((refused) => failed.push(`${next[1]}: ${refused.detail}`));
      }
    };
    for (const button of bar.querySelectorAll("button")) {
      button.disabled = true;
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    for (const button of bar.querySelectorAll("button")) {
      button.disabled = false;
    }
    pressed.focus();
    const word = isAllowed ? "allowed" : "not allowed";
    const done = `Claiming is ${word} for ${count(total - failed.length, "device", "devices")}.`;
    const butAll = isDefault && "By the configuration of this service, all devices may register keys all the same.";
    tell([done, butAll, ...failed.slice(0, 3)].filter(Boolean).join(" "), failed.length === 0);
    await list.ask();
  }

  replace(main, h("h1", { tabIndex: -1 }, "Devices"), list.element, bar,
    h("details", {}, h("summary", {}, "What the states mean"), legend()));
  await list.ask();
}

function table(rows, list, choice) {
  const boxes = rows.map((device) => {
    const box = h("input", { type: "checkbox", checked: choice.has(device.deviceId), "aria-label": `Choose ${device.name}` });
    box.addEventListener("change", () => {
      choice.set(device, box.checked);
      all.checked = boxes.every((one) => one.checked);
    });
    return box;
  });
  const all = h("input", { type: "checkbox", "aria-label": "Choose all on this page", checked: boxes.every((box) => box.checked) });
  all.addEventListener("change", () => boxes.forEach((box, i) => {
    box.checked = all.checked;
    choice.set(rows[i], all.checked);
  }));
  return h("table", { class: "stacks" },
    h("thead", {}, h("tr", {}, h("th", { class: "box" }, h("label", { class: "target" }, all)), COLUMNS.map((column) => heading(column, list)))),
    h("tbody", {}, rows.map((device, i) => row(device, boxes[i], list))));
}

function heading([text, property], list) {
  const isNumber = text === "Keys";
  if (!property) {
    return h("th", { class: isNumber ? "number" : null }, text);
  }
  const { sortProperty, sortOrder } = list.query;
  const isSorted = sortProperty === property;
  const isUp = isSorted && sortOrder === "ASC";
  const sort = async () => {
    await list.ask({ sortProperty: property, sortOrder: isUp ? "DESC" : "ASC" });
    list.element.querySelector("th[aria-sort] button")?.focus();
  };
  const order = isSorted ? (isUp ? "ascending" : "descending") : null;
  return h("th", { "aria-sort": order }, h("button", { type: "button", onclick: sort }, text));
}

function row(device, box, list) {
  const { deviceId, name, label, type, state, owner, keys, nextExpiration } = device;
  const open = h("button", { type: "button", class: "name", id: `device-${deviceId}`, dir: "auto", "aria-haspopup": "dialog" }, name);
  open.addEventListener("click", () => openDevice(device, async () => {
    await list.ask();
    (document.getElementById(open.id) ?? document.querySelector("main h1")).focus();
  }));
  const cell = (title, content, isNumber) =>
    h("td", { "data-label": title, class: [isNumber && "number", content === null && "none"].filter(Boolean).join(" ") },
      content ?? h("span", { class: "muted" }, "–"));
  return h("tr", {},
    h("td", { class: "box" }, h("label", { class: "target" }, box)),
    h("td", { class: "names" }, open, label && h("span", { class: "muted", dir: "auto" }, label)),
    cell("Type", type),
    cell("State", badge(state)),
    cell("Owner", owner && h("span", { dir: "auto" }, owner.title ?? "a customer")),
    cell("Keys", keys > 0 ? h("span", {}, String(keys)) : null, true),
    cell("Next expiry", nextExpiration === null ? null : until(nextExpiration)));
}

function empty() {
  return h("div", { class: "empty" },
    h("p", {}, "There are no devices yet. They come from a list, with a claim key each if you like."),
    h("a", { class: "button primary", href: "import" }, "Import devices"));
}
