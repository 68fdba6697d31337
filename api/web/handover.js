// Devices that one page hands over to the page that prints labels.

import { current } from "./session.js";
import { keep, kept } from "./tab.js";

const ENTRY = "labels";

/** Keeps them for the page of labels in this tab: `ids`, or `names` alone. False if they are too many for the tab's storage. */
export function handOver({ ids = null, names }) {
  return keep(ENTRY, { of: current()?.user.id, ids, names });
}

/** What was handed over by the same user: `{ids, names}`, or null. */
export function handedOver() {
  const given = kept(ENTRY);
  return given && given.of === current()?.user.id ? given : null;
}

export function forget() {
  keep(ENTRY, null);
}
