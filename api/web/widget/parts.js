// What the forms of the element are made of.

import { h, icon, say, set } from "./elements.js";

/** A field with its label, what is wrong with it, and a hint. */
export function field(id, input) {
  const label = h("label", { for: id, part: "label" });
  const error = h("p", { id: `${id}-error`, class: "error", hidden: true });
  const hint = h("p", { id: `${id}-hint`, class: "hint", part: "hint", role: "status", hidden: true });
  Object.entries({ id, part: "input", spellcheck: "false", ...input }).forEach(([name, value]) => set(input.node, name, name === "node" ? null : value));
  const element = h("div", { class: "field" }, label, input.node, hint, error);
  return {
    element,
    label,
    input: input.node,
    /** Says what is wrong with the field and what there is to know of it; an empty text says nothing. */
    tell({ wrong = "", note = "", isLoud = false, isWrong = wrong !== "" }) {
      say(error, wrong);
      say(hint, note);
      hint.classList.toggle("loud", isLoud);
      set(input.node, "aria-invalid", isWrong ? "true" : null);
      const described = [wrong && error.id, note && hint.id].filter(Boolean).join(" ");
      set(input.node, "aria-describedby", described || null);
    },
  };
}

/** A place for one outcome: title, what to do next, the number of the request. */
export class Notice {
  #shown = "";
  #role;

  constructor(role) {
    this.#role = role;
    // The region is there before its content, or it would not be read out.
    this.element = h("div", { role });
  }

  show(outcome) {
    const shown = JSON.stringify(outcome);
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (!outcome) return this.element.replaceChildren();
    const lines = [["title", outcome.title], ["next", outcome.next], ["request", outcome.request]]
      .filter(([, text]) => text)
      .map(([kind, text]) => h("p", { class: kind }, text));
    const kind = this.#role === "alert" ? "outcome" : "outcome good";
    this.element.replaceChildren(h("div", { class: kind, part: "outcome" }, icon(this.#role === "alert" ? "wrong" : "done"), h("div", {}, ...lines)));
  }
}
