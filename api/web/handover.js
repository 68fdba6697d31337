// Devices that one page hands over to the page that prints labels.

import { current } from "./session.js";

const ENTRY = "deed.labels";

/** Keeps them for the page of labels in this tab: `ids`, or `names` alone. False if they are too many for the tab's storage. */
export function handOver({ ids = null, names }) {
  try {
    sessionStorage.setItem(ENTRY, JSON.stringify({ of: current()?.user.id, ids, names }));
    return true;
  } catch {
    return false;
  }
}

/** What was handed over by the same user: `{ids, names}`, or null. */
export function handedOver() {
  const kept = JSON.parse(sessionStorage.getItem(ENTRY));
  return kept && kept.of === current()?.user.id ? kept : null;
}

export function forget() {
  sessionStorage.removeItem(ENTRY);
}
