// What devices and their keys are called, and when keys run out.

import { h, timed } from "./dom.js";

/** How a device stands with claiming: the word, its colour, and what it means. */
const STATES = {
  owned: ["Owned", "accent", "A customer owns it."],
  open: ["Open", "good", "It has a key. Whoever presents it becomes the owner."],
  ready: ["Ready", "warn", "It has no key yet, and may register one by itself."],
  closed: ["Closed", "", "It has no key, and may not register one by itself."],
};

/** By which states devices are looked for, the one that is none first. */
export const WANTED_STATES = [["", "In any state"], ["owned", "Owned"], ["open", "Open: has a key"], ["unowned", "Not owned"]];

const ORIGINS = { admin: "Made by an administrator", device: "Registered by the device", gateway: "Registered by its gateway" };
const SLOTS = { "attribute-text": "Set as claimingData", "attribute-object": "Set as claimingData" };

export const DAY_MS = 86_400_000;
/** How long a new key may work. */
export const LIVES = [["1", "1 day"], ["7", "7 days"], ["30", "30 days"], ["365", "365 days"], ["1825", "5 years"]];

const UNITS = [["year", 365.25 * DAY_MS], ["day", DAY_MS], ["hour", 3_600_000], ["minute", 60_000], ["second", 1_000]];
const RELATIVE = new Intl.RelativeTimeFormat("en");
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function badge(state) {
  const [word, kind, meaning] = STATES[state];
  return h("span", { class: `badge ${kind}`, title: meaning }, word);
}

/** All states, and what they mean. */
export function legend() {
  return h("dl", { class: "facts" }, Object.entries(STATES).map(([state, [, , meaning]]) => [
    h("dt", {}, badge(state)), h("dd", {}, meaning),
  ]));
}

export function origin({ origin: whose, slot }) {
  return SLOTS[slot] ?? ORIGINS[whose] ?? whose;
}

/** `in 12 days`, with the time itself for who points at it. What is less than a day away is marked. */
export function until(ms, now = Date.now()) {
  const [unit, length] = UNITS.find(([, length]) => Math.abs(ms - now) >= 2 * length) ?? UNITS.at(-1);
  const isSoon = ms - now < DAY_MS;
  const relative = timed(ms, () => RELATIVE.format(Math.round((ms - now) / length), unit), { class: isSoon ? "soon" : null });
  relative.title = moment(ms).textContent;
  return relative;
}

/** A time of the reader's own zone, to the minute. */
export function moment(ms) {
  return timed(ms, (date) => MOMENT.format(date));
}

/** A choice of how long keys work, in days. */
export function lifeSelect(props, chosen = "30") {
  const select = h("select", props, LIVES.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen;
  return select;
}
