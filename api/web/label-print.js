// Gets labels as they are made, and gives them to the person as a file.

import { stream } from "./api.js";
import { count, h, replace } from "./dom.js";
import { failure, tell } from "./page.js";
import { save } from "./save.js";

/** Asks for them by `body`, and says in `outcome` how it goes; `again` is called to try it once more. */
export async function printLabels(outcome, body, isPicture, again) {
  const ending = new AbortController();
  const size = h("p", { class: "muted" }, "The first ones are made …");
  const cancel = h("button", { type: "button", onclick: () => ending.abort() }, "Cancel");
  replace(outcome, h("div", { class: "card" }, h("h2", { tabIndex: -1 }, "Making labels"),
    h("progress", { "aria-label": "Making labels" }), size, h("div", { class: "actions" }, cancel)));
  outcome.querySelector("h2").focus();
  try {
    const answer = await stream("api/devices/labels", { method: "POST", body, accept: "*/*", signal: ending.signal });
    const file = await whole(answer, (bytes) => replace(size, `${count(Math.ceil(bytes / 1_000), "kB", "kB")} so far`));
    done(outcome, answer.headers, file, { isPicture, hasKeys: body.keys === "new" });
  } catch (error) {
    if (ending.signal.aborted) {
      replace(outcome);
      tell("Cancelled. Nothing was printed; keys that were made meanwhile are of no use to anybody.", false);
    } else {
      replace(outcome, failure(error, again));
    }
  }
}

/** All of the answer. One that breaks off is none: its keys are on labels that nobody has. */
async function whole(answer, told) {
  const parts = [];
  let bytes = 0;
  const reader = answer.body.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      parts.push(read.value);
      bytes += read.value.length;
      told(bytes);
    }
  } catch (error) {
    throw Object.assign(error, { detail: "The service broke off. Nothing was saved; keys that were made are on no label." });
  }
  return new Blob(parts, { type: answer.headers.get("Content-Type") });
}

function done(outcome, headers, file, { isPicture, hasKeys }) {
  const name = /filename="([^"]+)"/.exec(headers.get("Content-Disposition"))?.[1] ?? "labels";
  const [labels, leftOut] = ["Deed-Labels", "Deed-Left-Out"].map((header) => Number(headers.get(header)));
  const address = save(file, name);
  const title = h("h2", { tabIndex: -1 }, `${count(labels, "label", "labels")} made`);
  replace(outcome, h("div", { class: "card" }, title,
    h("p", {}, `What your browser has saved as ${name} has ${labels === 1 ? "it" : "them"}.`,
      hasKeys && " It is the only place where the keys can be read."),
    leftOut > 0 && h("p", { class: "notice warn" },
      `${count(leftOut, "device was", "devices were")} left out: a customer owns ${leftOut === 1 ? "it" : "them"}.`),
    isPicture && h("img", { src: address, alt: "The label", class: "label" }),
    h("div", { class: "actions" }, h("a", { class: "button", href: address, download: name }, "Save it again"),
      h("a", { class: "button", href: "devices" }, "To the devices"))));
  title.focus();
}
