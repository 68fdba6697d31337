// A customer's own devices, each of which can be given back.

import { claimPath } from "../widget/client.js";
import { call } from "./api.js";
import { h, replace } from "./dom.js";
import { listing } from "./listing.js";
import { confirm, tell } from "./page.js";

/** Fills `main`. */
export async function ownDevices(main) {
  const list = listing({
    path: "api/deviceInfos/all",
    names: ["device", "devices"],
    hint: "Search by name, label or type",
    query: { sortProperty: "name", sortOrder: "ASC" },
    show: (rows) => h("ul", { class: "cards" }, rows.map((device) => card(device, list))),
    empty,
  });
  const claim = h("a", { class: "button primary", href: "claim" }, "Claim a device");
  replace(main, h("div", { class: "title" }, h("h1", { tabIndex: -1 }, "Your devices"), claim), list.element);
  await list.ask();
}

function card(device, list) {
  const { name, label, type } = device;
  const back = h("button", { type: "button", "aria-label": `Give back … ${name}`, onclick: () => giveBack(device, list) }, "Give back …");
  return h("li", { class: "card" },
    h("h2", { dir: "auto" }, name),
    label && h("p", { dir: "auto" }, label),
    h("p", { class: "muted" }, `Type: ${type}`),
    h("div", { class: "actions" }, back));
}

async function giveBack({ name }, list) {
  const isSure = await confirm({
    title: `Give ${name} back?`,
    text: "The seller gets it back. A new key is needed to claim it again.",
    yes: "Give back",
  });
  if (!isSure) {
    return;
  }
  try {
    await call("DELETE", claimPath(name));
    tell(`${name} is no longer yours.`);
  } catch (refused) {
    tell(refused.detail, false);
  }
  await list.ask();
  // The button that had the focus is gone.
  document.querySelector("main h1").focus();
}

function empty() {
  return h("div", { class: "empty" },
    h("p", {}, "You have no devices yet. The code on a device's label, or the key that it shows, makes it yours."),
    h("a", { class: "button primary", href: "claim" }, "Claim a device"));
}
