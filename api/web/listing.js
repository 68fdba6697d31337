// A list that is searched, filtered, and turned over page by page. Where one is in it stands behind the `#` of the address, so
// that it is still there when one comes back.

import { call } from "./api.js";
import { count, h, replace } from "./dom.js";
import { failure, skeleton } from "./page.js";

const PAGE_SIZE = 25;
const TYPING_MS = 250;

/** A list of what `path` answers to `query`; `names` are one and many of what is listed, `hint` says what is searched.
 * `filters` are `{name, label, options}`, the options as pairs of value and text. `show(rows, list)` makes rows into an element,
 * `empty()` stands where there is nothing at all. Gives `{element, query, ask}`: `ask(change)` changes the query and loads;
 * without a change it loads again. */
export function listing({ path, names, hint, query: initial, filters = [], show, empty }) {
  const first = { page: 0, textSearch: "", ...initial };
  const query = { ...first, ...fromAddress(first) };
  const search = h("input", { type: "search", value: query.textSearch, "aria-label": `Search ${names[1]}`, placeholder: hint });
  const selects = filters.map((filter) => selectOf(filter, query[filter.name], (value) => ask({ [filter.name]: value })));
  const found = h("p", { class: "muted", role: "status" });
  const results = h("div", {}, skeleton(5));
  const pages = h("nav", { class: "toolbar pages", "aria-label": "Pages of the list", hidden: true });
  const element = h("div", { class: "view" }, h("div", { class: "toolbar", role: "search" }, search, selects), found, results, pages);
  const list = { element, query, ask };
  let running = null;
  let typing = null;

  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => ask({ textSearch: search.value.trim() }), TYPING_MS);
  });

  async function ask(change = {}) {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const isOther = Object.keys(change).length > 0 && !("page" in change);
    Object.assign(query, isOther ? { page: 0 } : {}, change);
    toAddress(query, first);
    results.setAttribute("aria-busy", "true");
    try {
      const { data } = await call("GET", path, { query: { pageSize: PAGE_SIZE, ...query }, signal });
      if (data.data.length === 0 && query.page >= Math.max(1, data.totalPages)) {
        await ask({ page: Math.max(0, data.totalPages - 1) });
        return;
      }
      fill(data);
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      replace(found);
      pages.hidden = true;
      replace(results, failure(error, () => ask()));
    }
    results.removeAttribute("aria-busy");
  }

  function fill({ data, totalPages, totalElements }) {
    const isSearched = [search, ...selects].some(({ value }) => value !== "");
    replace(found, data.length > 0 && count(totalElements, ...names));
    replace(results, data.length > 0 ? show(data, list) : isSearched ? nothingFound() : empty());
    turnOver(totalPages);
  }

  function turnOver(totalPages) {
    const focused = pages.contains(document.activeElement) ? document.activeElement.textContent : null;
    const turn = (text, page) =>
      h("button", { type: "button", disabled: page < 0 || page >= totalPages, onclick: () => ask({ page }) }, text);
    pages.hidden = totalPages < 2;
    replace(pages, turn("Previous", query.page - 1), h("span", { class: "muted" }, `Page ${query.page + 1} of ${totalPages}`),
      turn("Next", query.page + 1));
    if (focused) {
      const buttons = [...pages.querySelectorAll("button:not(:disabled)")];
      (buttons.find((button) => button.textContent === focused) ?? buttons[0])?.focus({ preventScroll: true });
      found.scrollIntoView({ block: "nearest" });
    }
  }

  function nothingFound() {
    const all = () => {
      for (const field of [search, ...selects]) {
        field.value = "";
      }
      search.focus();
      ask({ textSearch: "", ...Object.fromEntries(filters.map(({ name }) => [name, ""])) });
    };
    return h("div", { class: "empty" }, h("p", {}, `No ${names[1]} fit this search.`),
      h("button", { type: "button", onclick: all }, `Show all ${names[1]}`));
  }

  return list;
}

function selectOf({ label, options }, value, choose) {
  const items = options.map(([value, text]) => h("option", { value }, text));
  const select = h("select", { "aria-label": label, onchange: () => choose(select.value) }, items);
  select.value = value;
  return select;
}

/** What stands behind the `#` and is part of a query. */
function fromAddress(first) {
  const given = new URLSearchParams(location.hash.slice(1));
  const known = [...given].filter(([name]) => name in first);
  const query = Object.fromEntries(known);
  return "page" in query ? { ...query, page: Math.max(0, Number.parseInt(query.page, 10) || 0) } : query;
}

function toAddress(query, first) {
  const changed = Object.entries(query).filter(([name, value]) => value !== first[name]);
  const text = new URLSearchParams(changed).toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname);
}
