// What labels are printed on.

import { h } from "./dom.js";

/** By the word that stands for each: what it is, what the service is asked for, and which fields go with it. */
const FORMATS = {
  a4: ["A4 sheets", "PDF, 3 × 7 labels of 63.5 × 38.1 mm", { format: "pdf", paper: "a4" }, ["skip"]],
  letter: ["Letter sheets", "PDF, 3 × 10 labels of 2⅝ × 1 in", { format: "pdf", paper: "letter" }, ["skip"]],
  label: ["One label a page", "PDF, for label printers with a driver", { format: "pdf", paper: "label" }, ["size"]],
  zpl: ["Label printer", "ZPL, sent to the printer as it is", { format: "zpl" }, ["size", "dpi"]],
  svg: ["Drawing", "SVG, for one device", { format: "svg" }, ["size"]],
  png: ["Picture", "PNG, for one device", { format: "png" }, ["size", "dpi"]],
};
const PLACES = { a4: 21, letter: 30 };
const PICTURES = ["svg", "png"];

/** `{element, values, isPicture, setTotal}`: `values()` is what the service is asked for; pictures are for one device alone. */
export function formatFields() {
  const radios = Object.fromEntries(Object.keys(FORMATS).map((word) =>
    [word, h("input", { type: "radio", name: "format", checked: word === "a4", onchange: adapt, "aria-labelledby": `is-${word}`,
      "aria-describedby": `about-${word}` })]));
  const skip = h("input", { id: "skip", type: "number", min: 0, value: 0, inputMode: "numeric" });
  const width = h("input", { id: "width", type: "number", min: 20, max: 210, step: "any", value: 50, inputMode: "decimal" });
  const height = h("input", { id: "height", type: "number", min: 20, max: 297, step: "any", value: 25, inputMode: "decimal" });
  const dpi = h("select", { id: "dpi" }, ["203", "300", "600"].map((value) => h("option", {}, value)));
  const field = (input, text) => h("div", { class: "field" }, h("label", { for: input.id }, text), input);
  const fields = {
    skip: field(skip, "Places used up on the first sheet"),
    size: h("div", { class: "row" }, field(width, "Width in mm"), field(height, "Height in mm")),
    dpi: field(dpi, "Dots per inch"),
  };
  const chosen = () => Object.keys(radios).find((word) => radios[word].checked);

  function adapt() {
    const names = FORMATS[chosen()][3];
    for (const [name, element] of Object.entries(fields)) {
      element.hidden = !names.includes(name);
      for (const input of element.querySelectorAll("input, select")) {
        // What is hidden is not checked, either.
        input.disabled = element.hidden;
      }
    }
    skip.max = (PLACES[chosen()] ?? 1) - 1;
  }

  function setTotal(total) {
    for (const word of PICTURES) {
      radios[word].disabled = total > 1;
    }
    if (radios[chosen()].disabled) {
      radios.a4.checked = true;
      adapt();
    }
  }

  function values() {
    const [, , words, names] = FORMATS[chosen()];
    return {
      ...words,
      skip: names.includes("skip") ? Number(skip.value) : undefined,
      size: names.includes("size") ? `${Number(width.value)}x${Number(height.value)}` : undefined,
      dpi: names.includes("dpi") ? Number(dpi.value) : undefined,
    };
  }

  const element = h("fieldset", {}, h("legend", {}, "Printed on"),
    h("div", { class: "formats" }, Object.entries(FORMATS).map(([word, [title, about]]) =>
      h("label", { class: "format" }, radios[word],
        h("span", {}, h("strong", { id: `is-${word}` }, title), h("span", { class: "muted", id: `about-${word}` }, about))))),
    h("div", { class: "row" }, Object.values(fields)));
  adapt();
  return { element, values, isPicture: () => PICTURES.includes(chosen()), setTotal };
}
