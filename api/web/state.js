// A device as it was, as the audit tells it: titles and values, and which of them differ between two states.

import { h, time } from "./dom.js";
import { short } from "./history.js";

const ORIGINS = { device: "from the device", gateway: "from its gateway", admin: "from an administrator" };

/** `[{title, value}]` of an answer of `GET /api/audit/devices/{id}/state`. */
export function facts({ state, device, at }, say) {
  if (!device) {
    return [{ title: "Device", value: state === "removed" ? "deleted" : "not registered yet" }];
  }
  const { name, type, label, version, owner, claimingAllowed, claimKeys } = device;
  return [
    { title: "Device", value: "registered" },
    { title: "Name", value: h("bdi", {}, name) },
    { title: "Type", value: h("bdi", {}, type) },
    { title: "Label", value: h("bdi", {}, label ?? "none") },
    { title: "Owner", value: owner ? ownerOf(owner, say) : "nobody but the tenant" },
    { title: "Claiming", value: { true: "allowed", false: "disallowed", null: "as it is by default" }[claimingAllowed] },
    { title: "Keys", value: claimKeys.length === 0 ? "none" : h("ul", { class: "keys" }, claimKeys.map((key) => keyOf(key, at))) },
    { title: "Version", value: String(version) },
  ];
}

function ownerOf({ customerId, since, acquired }, say) {
  return h("span", {}, say.customer(customerId), " since ", time(since),
    acquired.by === "claim" ? [", by key ", short(acquired.keyId)] : ", from an administrator");
}

function keyOf({ keyId, origin, empty, notBefore, expirationTime }, at) {
  return h("li", {}, short(keyId), ` ${ORIGINS[origin] ?? origin}`, empty && ", empty",
    notBefore > at && [", not before ", time(notBefore)], ", works until ", time(expirationTime));
}

/** The titles of what is not the same any more. */
export function changes(before, after) {
  const text = (list, title) => {
    const value = list.find((fact) => fact.title === title)?.value;
    return value?.textContent ?? value;
  };
  return after.map(({ title }) => title).filter((title) => text(before, title) !== text(after, title));
}
