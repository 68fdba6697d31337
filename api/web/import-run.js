// The last step of an import: how far it is, what failed, and what to do then.

import { count, h, replace } from "./dom.js";
import { handOver } from "./handover.js";
import { Importing } from "./importing.js";
import { failure, tell } from "./page.js";
import { save } from "./save.js";

const MOST_SHOWN = 200;

/** Runs it in `stage`; `again` is called if there is to be another one. */
export function runImport(stage, plan, { update, name }, again) {
  const importing = new Importing(plan, { update, told });
  const title = h("h2", { tabIndex: -1, "aria-describedby": "counts" }, `Importing ${name}`);
  const bar = h("progress", { max: Math.max(1, importing.total), value: 0, "aria-label": "Devices imported" });
  const counts = h("p", { id: "counts", class: "counts" });
  const cancel = h("button", { type: "button", onclick: stop }, "Cancel");
  const end = h("div", { class: "view" });
  const failed = h("div", {});
  const warn = (event) => event.preventDefault();
  replace(stage, h("div", { class: "card run" }, title, bar, counts, h("div", { class: "actions" }, cancel)), end, failed);
  title.focus();
  run();

  function stop() {
    importing.cancel();
    cancel.disabled = true;
    replace(cancel, "Waiting for what is on its way …");
  }

  async function run() {
    addEventListener("beforeunload", warn);
    cancel.hidden = false;
    replace(end);
    told(importing);
    try {
      await importing.run();
      finish();
    } catch (refused) {
      replace(end, failure(refused, run), h("div", { class: "actions" }, another()));
    }
    cancel.hidden = true;
    removeEventListener("beforeunload", warn);
  }

  function told({ done, total, created, updated, waiting }) {
    bar.value = done;
    const known = update ? "changed" : "there already";
    const parts = [
      `${count(done, "of", "of")} ${count(total, "device", "devices")}`, count(created, "new", "new"), count(updated, known, known),
      `${count(importing.failed.length, "line", "lines")} failed`,
    ];
    replace(counts, parts.join(", "), waiting && [h("br"), h("strong", {}, waiting)]);
    showFailed();
  }

  function showFailed() {
    const { failed: lines } = importing;
    if (lines.length === 0) {
      return;
    }
    const rest = lines.length - MOST_SHOWN;
    replace(failed, h("section", { "aria-labelledby": "failed-title" },
      h("h2", { id: "failed-title" }, "What failed"),
      h("table", { class: "failed" },
        h("thead", {}, h("tr", {}, h("th", { class: "number" }, "Line"), h("th", {}, "What is wrong with it"))),
        h("tbody", {}, lines.slice(0, MOST_SHOWN).map(({ line, why }) =>
          h("tr", {}, h("td", { class: "number" }, String(line)), h("td", {}, why))))),
      rest > 0 && h("p", { class: "muted" }, `… and ${count(rest, "further line", "further lines")}.`)));
  }

  function finish() {
    const { isCancelled, done, total, names } = importing;
    const isWhole = done === total;
    replace(title, isCancelled && !isWhole ? `Cancelled after ${count(done, "device", "devices")}` : `${name} is imported`);
    const print = () => {
      if (handOver({ names })) {
        location.assign("labels");
      } else {
        tell("These are too many to be named one by one: the page of labels takes a search, too.", false);
      }
    };
    replace(end, h("div", { class: "actions" },
      names.length > 0 && h("button", { type: "button", class: "primary", onclick: print },
        names.length === 1 ? "Print a label for this device" : `Print labels for these ${count(names.length, "device", "devices")}`),
      importing.failed.length > 0 && h("button", { type: "button", onclick: saveFailed }, "Save the lines that failed"),
      h("a", { class: "button", href: "devices" }, "See the devices"),
      another()));
    title.focus();
  }

  function another() {
    return h("button", { type: "button", class: "quiet", onclick: again }, "Another file");
  }

  /** As they are in the file, so that they can be mended and imported. */
  function saveFailed() {
    const lines = [plan.first, ...importing.failed.map(({ text }) => text)].filter((line) => line !== null);
    save(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }), `failed-${name}`);
  }
}
