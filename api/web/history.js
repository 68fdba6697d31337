// What happened to devices, in words: the events of the log, each with a word, a tone and a sentence.

import { count, h, time } from "./dom.js";

/** The word of each type of event, and whether it was good or bad news for who asked. */
export const EVENTS = {
  DeviceRegistered: ["Registered"],
  DeviceChanged: ["Saved"],
  DeviceRemoved: ["Deleted"],
  ClaimingAllowed: ["Claiming allowed"],
  ClaimingDisallowed: ["Claiming disallowed"],
  ClaimIssued: ["Key issued", "accent"],
  ClaimRevoked: ["Key ended"],
  ClaimExpired: ["Key expired"],
  IssueRefused: ["Key refused", "bad"],
  DeviceClaimed: ["Claimed", "good"],
  DeviceReclaimed: ["Reclaimed", "warn"],
  DeviceAssigned: ["Assigned", "good"],
  DeviceUnassigned: ["Unassigned", "warn"],
  ClaimRefused: ["Claim refused", "bad"],
  ClaimantLocked: ["Locked out", "bad"],
};

const ORIGINS = { device: "the device", gateway: "its gateway", admin: "an administrator" };
const TRANSPORTS = { rest: "REST", http: "HTTP", mqtt: "MQTT", coap: "CoAP", cli: "the command line" };
const KEY_ENDED = {
  superseded: "a newer key took its place",
  withdrawn: "an administrator took it back",
  used: "the owner presented it",
  claimed: "the device was claimed with another one",
  reclaimed: "the device was reclaimed",
  assigned: "an administrator set the owner",
  unassigned: "an administrator took the device from its owner",
  "customer-deleted": "the owner was deleted",
  removed: "the device was deleted",
};
const KEY_REFUSED = {
  "not-allowed": "claiming is not allowed for the device",
  "already-claimed": "the device has an owner",
  undecodable: "the attribute could not be read",
  "other-gateway": "another gateway offered it than the device's",
};
const CLAIM_REFUSED = {
  "wrong-key": "the key was wrong",
  expired: "the key was right, but its time had run out",
  "nothing-to-claim": "the device had no key",
  "not-allowed": "this claimant may not claim",
  "already-claimed": "the device has an owner",
  locked: "the customer had to wait after wrong keys",
};

export const tone = ({ eventType }) => EVENTS[eventType]?.[1] ?? "";

export const word = ({ eventType }) => EVENTS[eventType]?.[0] ?? eventType;

/** The word of an event, which a refusal has in red and with a sign. */
export function badge(event) {
  const sign = tone(event) === "bad" && h("span", { "aria-hidden": "true" }, "✕ ");
  return h("span", { class: `badge ${tone(event)}` }, sign, word(event));
}

/** As much of an id as tells it from others at a glance: the end, as ids begin with the time. */
export function short(id) {
  return h("code", { title: id }, `…${String(id).slice(-8)}`);
}

/** Tells events, by `names` of `{customers, users}`: who is not in there is called by the id. */
export function narrator(names) {
  const customer = (id) => (names.customers[id] ? h("bdi", {}, h("strong", {}, names.customers[id])) : ["customer ", short(id)]);
  const key = (id) => ["Key ", short(id)];
  const because = (words, reason) => [": ", words[reason] ?? reason, "."];
  const more = (n) => n > 0 && ` It stands for ${count(n, "earlier refusal", "earlier refusals")} of the same kind, too.`;

  const sentences = {
    DeviceRegistered: ({ name, deviceType, label }) => ["Registered as ", h("bdi", {}, h("strong", {}, name)), ", type ", h("bdi", {}, deviceType),
      label && [", label ", h("bdi", {}, label)], "."],
    DeviceChanged: ({ name, deviceType, label }) => ["Saved as ", h("bdi", {}, h("strong", {}, name)), ", type ", h("bdi", {}, deviceType),
      label && [", label ", h("bdi", {}, label)], "."],
    DeviceRemoved: () => "The device was deleted. Its history stays.",
    ClaimingAllowed: () => "The device may register keys.",
    ClaimingDisallowed: ({ explicit }) => (explicit ? "The device may not register keys." : "The switch was taken away."),
    ClaimIssued: ({ keyId, origin, empty, notBefore, expiresAt }) => [key(keyId), " of ", ORIGINS[origin] ?? origin,
      empty && ", the empty key, with which everybody can claim who knows the name", ", works ",
      notBefore !== undefined && ["not before ", time(notBefore), ", "], "until ", time(expiresAt), "."],
    ClaimRevoked: ({ keyId, reason }) => [key(keyId), because(KEY_ENDED, reason)],
    ClaimExpired: ({ keyId }) => [key(keyId), ": its time ran out."],
    IssueRefused: ({ origin, reason, suppressed }) => ["A key of ", ORIGINS[origin] ?? origin, " was not taken",
      because(KEY_REFUSED, reason), more(suppressed)],
    DeviceClaimed: ({ customerId, keyId }) => [customer(customerId), " is the owner, by key ", short(keyId), "."],
    DeviceReclaimed: ({ customerId }) => [customer(customerId), " is the owner no more. The tenant has the device."],
    DeviceAssigned: ({ customerId, previous }) => [customer(customerId), " is the owner",
      previous && [" after ", customer(previous)], ", without a key."],
    DeviceUnassigned: ({ customerId, reason }) => [customer(customerId), " is the owner no more",
      reason === "customer-deleted" ? ", as that customer was deleted." : "."],
    ClaimRefused: ({ customerId, reason, failures, suppressed, alert }) => [customer(customerId), " tried to claim it",
      because(CLAIM_REFUSED, reason), failures > 0 && ` This customer's wrong keys here: ${failures}.`, more(suppressed),
      alert && ` ${alert} wrong keys were tried on this device within an hour.`],
    ClaimantLocked: ({ customerId, until, failures, scope }) => [customer(customerId), " may not claim ",
      scope === "device" ? "this device" : "any device", " until ", time(until),
      `, after ${count(failures, "wrong key", "wrong keys")}.`],
  };

  /** What happened, in a sentence. */
  function told({ eventType, data }) {
    return h("span", {}, sentences[eventType]?.(data) ?? JSON.stringify(data));
  }

  /** Who did it, and how. */
  function who({ actor, transport }) {
    const [kind, id] = actor.split(":");
    const user = names.users[id] ?? ["user ", short(id)];
    const person = { user, device: "the device", gateway: ["gateway ", short(id)] }[kind];
    return h("span", { class: "muted" }, person ? ["By ", person] : "By the service itself",
      TRANSPORTS[transport] && ` over ${TRANSPORTS[transport]}`);
  }

  return { customer, told, who };
}

/** The ids of customers and people that an event speaks of. */
export function mentioned({ actor, data }) {
  const user = actor.startsWith("user:") ? actor.slice(5) : null;
  return { customers: [data.customerId, data.previous].filter(Boolean), users: [user, data.userId].filter(Boolean) };
}
