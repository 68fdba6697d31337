// Makes elements. Text is always text: nothing is parsed as HTML, so that no name or answer can become markup.

/** An element with attributes (`true` for one without a value, `on…` for a listener) and children. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...children);
  return element;
}

/** Sets an attribute; `true` stands for one without a value, null and `false` for none. */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Shows text in an element, and hides it if there is none. What is there already is left alone, so that it is not read out twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

/** Gives the setters of a custom element what a page has set before the element was known. */
export function upgrade(element, names) {
  for (const name of names) {
    if (Object.hasOwn(element, name)) {
      const { [name]: value } = element;
      delete element[name];
      element[name] = value;
    }
  }
}

const PATHS = {
  scan: "M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M8 8h3v3H8zM14 8h2v2M8 14h2v2M14 13v3h2M13 16",
  photo: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  done: "M5 12.5l4.5 4.5L19 7.5",
  stop: "M6 6l12 12M18 6L6 18",
  wrong: "M12 7v6M12 16.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
};

/** A drawing that says nothing that the text beside it does not say. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", width: 24, height: 24, "aria-hidden": "true", focusable: "false" })) {
    svg.setAttribute(key, value);
  }
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
