// What time does to the element: how long a key works, and how long somebody has to wait.

import { date, duration, fill } from "./texts.js";

// Said aloud at these many milliseconds before the end, not with each second.
const ALOUD = [60_000, 10_000];

export class Countdown {
  #timer = 0;
  #announced = Infinity;

  /** `tick` is called every second while something is counted. */
  constructor(tick) {
    this.tick = tick;
    /** Milliseconds since the epoch until which the key works, or null. */
    this.expires = null;
    /** Until when somebody has to wait. */
    this.lockedUntil = 0;
  }

  get isLocked() {
    return this.lockedUntil > Date.now();
  }

  /** Counts as long as there is something to count. */
  run() {
    clearTimeout(this.#timer);
    if (this.isLocked || (this.expires !== null && this.expires > Date.now())) {
      this.#timer = setTimeout(() => {
        this.run();
        this.tick();
      }, 1000);
    }
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** Lets somebody wait for so many seconds. */
  lock(seconds) {
    this.lockedUntil = Date.now() + seconds * 1000;
    this.run();
  }

  /** Counts towards another time, or none. */
  expire(at) {
    this.expires = at;
    this.#announced = Infinity;
    this.run();
  }

  /** How long the key works, in words. */
  validity(texts, tag) {
    if (this.expires === null) return "";
    const left = this.expires - Date.now();
    if (left <= 0) return fill(texts.ranOut, { date: date(this.expires, tag) });
    return fill(texts.worksFor, { time: duration(left, tag) });
  }

  /** How long to wait, in words. */
  wait(texts, tag) {
    return this.isLocked ? fill(texts.lockedFor, { time: duration(this.lockedUntil - Date.now(), tag) }) : "";
  }

  /** What is to be read out now of how long the key works, or null. */
  aloud(texts, tag) {
    if (this.expires === null) return null;
    const left = this.expires - Date.now();
    const mark = left <= 0 ? 0 : (ALOUD.findLast((at) => left <= at) ?? left);
    if (mark >= this.#announced || (this.#announced !== Infinity && left > ALOUD[0])) return null;
    this.#announced = mark;
    return this.validity(texts, tag);
  }
}
