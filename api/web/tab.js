// What pages keep in this tab: it ends with the tab, and with whoever signs out. Where a browser keeps nothing, the page does.

const PREFIX = "deed.";
const unkept = new Map();

/** What is kept by that name, or null. */
export function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name));
  } catch {
    return unkept.get(name) ?? null;
  }
}

/** Keeps it; null forgets it. False if the browser does not take it. */
export function keep(name, value) {
  try {
    if (value === null) {
      sessionStorage.removeItem(PREFIX + name);
    } else {
      sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
    }
    return true;
  } catch {
    unkept.set(name, value);
    return false;
  }
}

/** Forgets all that pages have kept. */
export function forgetAll() {
  unkept.clear();
  try {
    Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX)).forEach((name) => sessionStorage.removeItem(name));
  } catch {
    // There is nothing, then.
  }
}
