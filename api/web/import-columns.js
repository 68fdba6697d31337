// The second step of an import: what the columns of the file are, and what becomes of devices that are there.

import { KINDS, fault, guess } from "./columns.js";
import { DELIMITERS, Unreadable, records } from "./csv.js";
import { count, h, replace } from "./dom.js";
import { prepare } from "./importing.js";
import { DAY_MS, lifeSelect } from "./words.js";

const SAMPLES = 5;

/** Shows it in `stage`. `go(plan, {update, name})` is called with what is to be sent, `back()` if it is to be another file. */
export function chooseColumns(stage, { name, size, text, delimiter: guessed }, { back, go }) {
  const file = { delimiter: guessed, header: true };
  let selects = [];
  const table = h("div", {});
  const delimiter = h("select", { id: "delimiter" }, DELIMITERS.map(([value, word]) => h("option", { value }, word)));
  const header = h("input", { type: "checkbox", checked: true });
  const life = lifeSelect({ id: "life" }, "365");
  const lifeField = h("div", { class: "field" }, h("label", { for: life.id }, "Keys without a time work for"), life);
  const update = h("input", { type: "radio", name: "known", checked: true });
  const keep = h("input", { type: "radio", name: "known" });
  const problem = h("p", { id: "columns-problem", class: "problem", role: "alert" });
  const title = h("h2", { tabIndex: -1 }, "What the columns are");
  delimiter.value = guessed;
  delimiter.addEventListener("change", () => {
    file.delimiter = delimiter.value;
    show();
  });
  header.addEventListener("change", () => {
    file.header = header.checked;
    show();
  });

  /** The columns of the file as it is understood now. */
  function show() {
    replace(problem);
    try {
      const first = beginning(text, file.delimiter, SAMPLES + 1);
      const width = Math.max(...first.map((cells) => cells.length));
      file.headings = Array.from({ length: width }, (_, i) => (file.header ? first[0][i]?.trim() ?? "" : "") || `Column ${i + 1}`);
      const samples = first.slice(file.header ? 1 : 0, SAMPLES + (file.header ? 1 : 0));
      selects = file.headings.map((heading, i) => kindSelect(heading, file.header, i));
      replace(table, columnsTable(file.headings, selects, samples));
      selects.forEach((select) => select.addEventListener("change", chosen));
      chosen();
    } catch (error) {
      tell(error);
    }
  }

  function chosen() {
    replace(problem);
    lifeField.hidden = !selects.some(({ value }) => value === "secretkey");
  }

  function tell(error) {
    if (!(error instanceof Unreadable)) {
      throw error;
    }
    replace(problem, `${error.message}.`);
  }

  function begin(event) {
    event.preventDefault();
    const kinds = selects.map(({ value }) => value);
    const wrong = fault(kinds);
    if (wrong) {
      replace(problem, wrong);
      selects[0].focus();
      return;
    }
    try {
      const plan = prepare(text, { ...file, kinds, lifeMs: Number(life.value) * DAY_MS });
      go(plan, { update: update.checked, name });
    } catch (error) {
      tell(error);
    }
  }

  replace(stage, h("form", { class: "view", onsubmit: begin },
    h("div", {}, title, h("p", { class: "muted" }, `${name}, ${size}`)),
    h("div", { class: "toolbar" },
      h("label", { for: delimiter.id }, "Cells are separated by"), delimiter,
      h("label", { class: "choice" }, header, "The first line has the names of the columns")),
    table,
    lifeField,
    h("fieldset", {}, h("legend", {}, "Devices that are there already"),
      h("label", { class: "choice" }, update, "are changed to what the file says; what it leaves out stays"),
      h("label", { class: "choice" }, keep, "are left as they are")),
    problem,
    h("div", { class: "actions" },
      h("button", { class: "primary" }, "Import"), h("button", { type: "button", onclick: back }, "Another file"))));
  show();
  title.focus();
}

/** The cells of the first records. */
function beginning(text, delimiter, most) {
  const found = [];
  for (const { cells } of records(text, delimiter)) {
    found.push(cells);
    if (found.length === most) {
      break;
    }
  }
  return found;
}

function kindSelect(heading, hasName, i) {
  const kinds = Object.entries(KINDS).filter(([, { several }]) => hasName || !several);
  const select = h("select", { "aria-label": `What ${heading} is` }, kinds.map(([value, { text }]) => h("option", { value }, text)));
  select.value = hasName ? guess(heading) : i === 0 ? "name" : "";
  return select;
}

function columnsTable(headings, selects, samples) {
  const shown = (value, i) => (KINDS[selects[i].value].secret ? "••••" : value);
  const values = (i) => [...new Set(samples.map((cells) => cells[i] ?? "").filter((value) => value !== ""))].map((value) => shown(value, i));
  return h("table", { class: "stacks columns" },
    h("thead", {}, h("tr", {}, ["Column", "First values", "Is the device’s"].map((text) => h("th", {}, text)))),
    h("tbody", {}, headings.map((heading, i) => h("tr", {},
      h("td", { class: "names" }, h("strong", { dir: "auto" }, heading)),
      h("td", { "data-label": "First values" }, h("span", { class: "samples", dir: "auto" }, values(i).join(" · ") || "–")),
      h("td", { "data-label": "Is the device’s" }, selects[i])))));
}
