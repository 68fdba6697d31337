// How somebody finds the device whose history they want to see: by its name, label or type, or by its id.

import { call } from "./api.js";
import { count, h, replace, time } from "./dom.js";
import { failure } from "./page.js";

const PAGE_SIZE = 25;
const STILL_MS = 250;
const IS_ID = /^\s*([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\s*$/i;

/** Fills the page with a search, and the first devices. */
export async function find(main) {
  const search = h("input", { id: "search", type: "search", autocomplete: "off", spellcheck: false });
  const found = h("p", { class: "muted", role: "status" });
  const results = h("div", {});
  let timer = null;
  let asked = 0;

  async function load(page = 0) {
    asked += 1;
    const mine = asked;
    const text = search.value.trim();
    const query = { pageSize: PAGE_SIZE, page, textSearch: text, sortProperty: "createdTime", sortOrder: "DESC" };
    try {
      const { data } = await call("GET", "api/audit/devices", { query });
      if (mine === asked) {
        replace(found, count(data.totalElements, "device", "devices"));
        replace(results, data.data.length > 0 ? table(data.data) : nothing(text), data.totalPages > 1 && pager(page, data));
      }
    } catch (error) {
      if (mine === asked) {
        replace(found);
        replace(results, failure(error, () => load(page)));
      }
    }
  }

  function pager(page, { totalPages, hasNext }) {
    const turn = (to, text, isThere) => h("button", { type: "button", disabled: !isThere, onclick: () => load(to) }, text);
    return h("nav", { class: "toolbar", "aria-label": "Parts of the list" },
      turn(page - 1, "Back", page > 0), h("span", {}, `Page ${page + 1} of ${totalPages}`), turn(page + 1, "Next", hasNext));
  }

  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => load(), STILL_MS);
  });
  const form = h("form", { role: "search", class: "field" },
    h("label", { for: search.id }, "Name, label, type or id"), search, found);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = IS_ID.exec(search.value)?.[1];
    if (id) {
      location.hash = id.toLowerCase();
    } else {
      clearTimeout(timer);
      load();
    }
  });
  replace(main,
    h("h1", { tabIndex: -1 }, "History of a device"),
    h("p", {}, "What happened to it, refusals included, and how it was at any time. A device that was deleted is found by its id, ",
      "or in ", h("a", { href: "feed" }, "the log as it goes on"), "."),
    form, results);
  await load();
}

function table(devices) {
  const cell = (title, ...children) => h("td", { "data-label": title }, h("span", {}, children));
  const rows = devices.map(({ deviceId, name, type, label, createdTime, customerId }) => h("tr", {},
    cell("Name", h("a", { href: `device#${deviceId}`, dir: "auto" }, name)),
    cell("Type", type),
    cell("Label", h("bdi", {}, label ?? "–")),
    cell("Owner", customerId ? h("span", { class: "badge good" }, "owned") : h("span", { class: "badge" }, "none")),
    cell("Registered", time(createdTime))));
  const titles = ["Name", "Type", "Label", "Owner", "Registered"].map((title) => h("th", {}, title));
  return h("table", { class: "stacks" }, h("thead", {}, h("tr", {}, titles)), h("tbody", {}, rows));
}

function nothing(text) {
  const why = IS_ID.test(text) ? "No device is called that. Press Enter to look for one that has this id, deleted or not."
    : text === "" ? "There are no devices yet. An administrator registers them." : "No device is called that.";
  return h("p", { class: "empty" }, why);
}
