// Labels: for which devices, on what, and with which keys. What is printed has been made for it and is shown nowhere else.

import { call } from "./api.js";
import { count, h, replace } from "./dom.js";
import { forget, handedOver } from "./handover.js";
import { formatFields } from "./label-format.js";
import { printLabels } from "./label-print.js";
import { failure, start } from "./page.js";
import { DAY_MS, lifeSelect, WANTED_STATES } from "./words.js";

const TYPING_MS = 250;
const MOST_NAMED = 6;

start({
  roles: ["TENANT_ADMIN"],
  title: "Print labels",
  async render(main) {
    const types = (await call("GET", "api/device/types")).data.map(({ type }) => type);
    show(main, types);
  },
});

function show(main, types) {
  /** How many labels there will be, as far as it is known, and what says so to the service. */
  const wanted = { total: null, selection: null };
  const which = h("fieldset", {});
  const format = formatFields();
  const withKeys = h("input", { type: "radio", name: "keys", checked: true, onchange: tellWhat });
  const without = h("input", { type: "radio", name: "keys", onchange: tellWhat });
  const life = lifeSelect({ id: "life" }, "365");
  const lifeField = h("div", { class: "field" }, h("label", { for: life.id }, "The keys work for"), life);
  const notice = h("div", { class: "notice", role: "status" });
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { class: "primary" });
  const outcome = h("div", { class: "view" });

  function wants(total, selection) {
    if (total === 0 && wanted.total === 0) {
      return;
    }
    Object.assign(wanted, { total, selection });
    format.setTotal(total);
    tellWhat();
  }

  function tellWhat() {
    const { total } = wanted;
    const labels = total === 1 ? "the label" : count(total, "label", "labels");
    lifeField.hidden = !withKeys.checked;
    replace(button, total > 0 ? `Make ${labels}` : "Make labels");
    replace(problem);
    if (total === 0) {
      replace(notice, "No devices are chosen yet.");
    } else if (withKeys.checked) {
      const keys = total === 1 ? "a new key. It is shown on the label and never again"
        : `${count(total, "new key", "new keys")}. They are shown on the labels and never again`;
      replace(notice, h("strong", {}, `Printing makes ${keys}.`), " Devices that a customer owns get no label. Older keys go on working.");
    } else {
      replace(notice, "The labels have the name, and a code that leads to the claim page. Whoever scans it types the key.");
    }
  }

  async function make(event) {
    event.preventDefault();
    if (wanted.total === 0) {
      replace(problem, "Please say first for which devices.");
      which.querySelector("input, button").focus();
      return;
    }
    const keys = withKeys.checked ? { keys: "new", durationMs: Number(life.value) * DAY_MS } : { keys: "none" };
    await print({ ...wanted.selection, ...format.values(), ...keys }, format.isPicture());
  }

  /** One at a time, also when it is tried again. */
  async function print(body, isPicture) {
    button.disabled = true;
    await printLabels(outcome, body, isPicture, () => print(body, isPicture));
    button.disabled = false;
  }

  replace(main, h("h1", { tabIndex: -1 }, "Print labels"),
    h("form", { class: "view labels", onsubmit: make },
      which, format.element,
      h("fieldset", {}, h("legend", {}, "Claim keys"),
        h("label", { class: "choice" }, withKeys, "A new key for each device"), lifeField,
        h("label", { class: "choice" }, without, "No keys: name and code only")),
      notice, problem, h("div", { class: "actions" }, button)),
    outcome);
  const kept = handedOver();
  if (kept) {
    chosenBefore(which, kept, wants, () => bySearch(which, types, wants).focus());
  } else {
    bySearch(which, types, wants);
  }
}

/** Devices that another page has handed over. */
function chosenBefore(which, { ids, names }, wants, others) {
  const rest = names.length - MOST_NAMED;
  const other = h("button", { type: "button", onclick: () => {
    forget();
    others();
  } }, "Choose others");
  replace(which, h("legend", {}, "Devices"),
    h("p", {}, h("strong", {}, count(names.length, "device", "devices")), ": ",
      h("bdi", {}, names.slice(0, MOST_NAMED).join(", ")), rest > 0 && ` and ${count(rest, "other", "others")}`),
    other);
  wants(names.length, ids ? { deviceIds: ids } : { deviceNames: names });
}

/** All devices, or those that a text, a type and a state find, as in the list of devices. Gives the field that comes first. */
function bySearch(which, types, wants) {
  const search = h("input", { id: "search", type: "search", autocomplete: "off" });
  const type = h("select", { id: "type" }, h("option", { value: "" }, "Any type"), types.map((name) => h("option", {}, name)));
  const state = h("select", { id: "state" }, WANTED_STATES.map(([value, text]) => h("option", { value }, text)));
  const all = h("input", { type: "checkbox" });
  const filters = [search, type, state];
  const found = h("p", { class: "muted", role: "status" });
  let running = null;
  let typing = null;

  /** What was found before is not meant any more: nothing is printed for it. */
  function none() {
    running?.abort();
    clearTimeout(typing);
    replace(found);
    wants(0, null);
  }

  async function look() {
    none();
    running = new AbortController();
    const { signal } = running;
    const given = all.checked ? [] : [["textSearch", search.value.trim()], ["type", type.value], ["state", state.value]];
    const filter = Object.fromEntries(given.filter(([, value]) => value));
    const selection = all.checked ? { all: true } : filter;
    if (Object.keys(selection).length === 0) {
      return;
    }
    try {
      const query = { pageSize: MOST_NAMED, page: 0, sortProperty: "name", sortOrder: "ASC", ...filter };
      const { data } = await call("GET", "api/devices/claiming", { query, signal });
      const rest = data.totalElements - data.data.length;
      replace(found, count(data.totalElements, "device", "devices"), data.totalElements > 0 && ": ",
        h("bdi", {}, data.data.map(({ name }) => name).join(", ")), rest > 0 && ` and ${count(rest, "other", "others")}`);
      wants(data.totalElements, selection);
    } catch (error) {
      if (!signal.aborted) {
        replace(found, failure(error, look));
      }
    }
  }

  search.addEventListener("input", () => {
    none();
    typing = setTimeout(look, TYPING_MS);
  });
  for (const select of [type, state]) {
    select.addEventListener("change", look);
  }
  all.addEventListener("change", () => {
    for (const filter of filters) {
      filter.disabled = all.checked;
    }
    look();
  });
  replace(which, h("legend", {}, "Devices"),
    h("div", { class: "row" },
      h("div", { class: "field" }, h("label", { for: search.id }, "Name, label, type or owner has"), search),
      h("div", { class: "field" }, h("label", { for: type.id }, "Type"), type),
      h("div", { class: "field" }, h("label", { for: state.id }, "State"), state)),
    h("label", { class: "choice" }, all, "All devices"),
    found);
  wants(0, null);
  return search;
}
