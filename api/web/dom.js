// Makes what a page shows. Text is always set as text: nothing that comes from a server becomes markup.

/** An element. Properties are set as such (`className`, `onclick`, `hidden`); what has a hyphen, and `role`, `for`, `list` and
 * `colspan`, is an attribute; `class` and `dataset` are taken as well. `null`, `undefined` and `false` are left out. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name === "dataset") {
      Object.assign(element.dataset, value);
    } else if (name === "class") {
      element.className = value;
    } else if (name.includes("-") || ATTRIBUTES.has(name)) {
      element.setAttribute(name, value);
    } else {
      element[name] = value;
    }
  }
  element.append(...shown(children));
  return element;
}

const ATTRIBUTES = new Set(["role", "for", "list", "colspan", "form"]);

/** Puts these children in the place of all others. */
export function replace(node, ...children) {
  node.replaceChildren(...shown(children));
  return node;
}

function shown(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** The last time that dates can be of. */
const LATEST_MS = 8_640_000_000_000_000;
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const NUMBER = new Intl.NumberFormat();

/** `<time>` of milliseconds since the epoch, in the reader's time zone and manner of writing. */
export function time(ms) {
  return timed(ms, (date) => MOMENT.format(date));
}

/** `<time>` with other properties, and in the words that `said` gives for the date. */
export function timed(ms, said, props = {}) {
  const date = new Date(Math.min(ms, LATEST_MS));
  return h("time", { dateTime: date.toISOString(), ...props }, said(date));
}

/** `1 device`, `1,250 devices`. */
export function count(n, one, many) {
  return `${NUMBER.format(n)} ${n === 1 ? one : many}`;
}
