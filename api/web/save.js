// Gives the person a file that was made in the browser.

import { h } from "./dom.js";

/** Saves it as a download of that name. The address that it gives is good until it is revoked. */
export function save(blob, name) {
  const href = URL.createObjectURL(blob);
  h("a", { href, download: name }).click();
  return href;
}
