// Imports a file of devices in slices, each of which the service answers by itself: so there is progress to see, and it can be
// ended in between.

import { call } from "./api.js";
import { KINDS, keyOf } from "./columns.js";
import { Unreadable, linesOf, records, written } from "./csv.js";

const SLICE = 500;
/** Characters of a slice, so that it stays far below what a body may have. */
const SLICE_LENGTH = 2_000_000;
const MOST_WAIT_S = 30;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** What is to be sent of a text: `{columns, rows: [{line, name, text}], failed: [{line, why, text}], first}`. `kinds` are the
 * words of the columns, `headings` their names; `lifeMs` is how long keys without a time work. Throws `Unreadable`. */
export function prepare(text, { delimiter, header, headings, kinds, lifeMs }, now = Date.now()) {
  const places = kinds.flatMap((kind, place) => (KINDS[kind].type ? [place] : []));
  const [keyAt, untilAt, nameAt] = ["secretkey", "expirationtime", "name"].map((kind) => kinds.indexOf(kind));
  const columns = places.map((place) => {
    const { type, key, several } = KINDS[kinds[place]];
    return { type, key: several ? keyOf(headings[place]) : key };
  });
  if (keyAt >= 0) {
    columns.push({ type: "SERVER_ATTRIBUTE", key: "claimingData" });
  }
  const plan = { columns, rows: [], failed: [], first: null };
  const lineOfName = new Map();
  for (const { line, cells, text: source } of records(text, delimiter)) {
    if (header && plan.first === null) {
      plan.first = source;
      continue;
    }
    if (cells.length > kinds.length) {
      throw new Unreadable(`Line ${line}: there are more cells than columns`);
    }
    const cell = (place) => cells[place] ?? "";
    const name = cell(nameAt);
    const sent = places.map(cell);
    let why = wrongWord(kinds, cell);
    if (lineOfName.has(name) && name.trim()) {
      why = `Line ${lineOfName.get(name)} has the same name`;
    } else if (keyAt >= 0 && cell(keyAt) !== "") {
      const until = cell(untilAt) === "" ? now + lifeMs : moment(cell(untilAt));
      why ??= Number.isNaN(until) ? "expirationTime is neither a time as of RFC 3339 nor milliseconds since the epoch"
        : until < now ? "expirationTime has passed" : null;
      sent.push(JSON.stringify({ secretKey: cell(keyAt), expirationTime: until }));
    } else if (keyAt >= 0) {
      sent.push("");
    }
    if (why) {
      plan.failed.push({ line, why, text: source });
    } else {
      lineOfName.set(name, line);
      plan.rows.push({ line, name, text: source, sent: written(sent) });
    }
  }
  return plan;
}

function wrongWord(kinds, cell) {
  const place = kinds.findIndex((kind, at) => {
    const { words } = KINDS[kind];
    return words && cell(at) !== "" && !words.includes(cell(at).toLowerCase());
  });
  return place < 0 ? null : `${kinds[place] === "gateway" ? "gateway" : "claimingAllowed"} must be true or false`;
}

function moment(text) {
  return /^\d+$/.test(text) ? Number(text) : RFC_3339.test(text) ? Date.parse(text.replace(" ", "T")) : Number.NaN;
}

/** An import on its way; `told` is called whenever there is something new: `{done, total, created, updated, failed, waiting}`,
 * `failed` in the order of the file, `waiting` why the next slice waits, or null. */
export class Importing {
  constructor(plan, { update, told }) {
    const { rows, failed } = plan;
    Object.assign(this, { plan, update, told, done: 0, created: 0, updated: 0, waiting: null });
    this.failed = [...failed];
    this.total = rows.length;
    this.ending = new AbortController();
  }

  /** The names of the devices that are there now. */
  get names() {
    const failed = new Set(this.failed.map(({ line }) => line));
    return this.plan.rows.slice(0, this.done).filter(({ line }) => !failed.has(line)).map(({ name }) => name);
  }

  get isCancelled() {
    return this.ending.signal.aborted;
  }

  /** No further slice is sent. The one that is on its way is waited for. */
  cancel() {
    this.ending.abort();
  }

  /** Sends what has not been sent. Throws what a slice was refused with, unless it only has to wait; called again, it goes on
   * there. */
  async run() {
    for (let tries = 1; this.done < this.total && !this.isCancelled;) {
      const slice = this.slice();
      try {
        await this.send(slice);
        tries = 1;
      } catch (refused) {
        if (![0, 429, 503].includes(refused.status)) {
          throw refused;
        }
        await this.wait(refused, tries);
        tries += 1;
      }
      this.told(this);
    }
  }

  slice() {
    const rows = [];
    let length = 0;
    for (let at = this.done; at < this.total && rows.length < SLICE && length < SLICE_LENGTH; at += 1) {
      rows.push(this.plan.rows[at]);
      length += this.plan.rows[at].sent.length;
    }
    return rows;
  }

  async send(rows) {
    const { columns } = this.plan;
    const mapping = { columns, delimiter: ",", update: this.update, header: false };
    const body = { file: rows.map(({ sent }) => `${sent}\n`).join(""), mapping };
    const { data } = await call("POST", "api/device/bulk_import", { body });
    const rowOfLine = new Map();
    let line = 1;
    for (const row of rows) {
      rowOfLine.set(line, row);
      line += linesOf(row.sent);
    }
    for (const told of data.errorsList) {
      const [, number, why] = /^Line (\d+): (.*)$/s.exec(told) ?? [null, null, told];
      const row = rowOfLine.get(Number(number));
      this.failed.push({ line: row?.line ?? 0, why, text: row?.text ?? "" });
    }
    this.failed.sort((a, b) => a.line - b.line);
    this.done += rows.length;
    this.created += data.created;
    this.updated += data.updated;
  }

  /** As long as the service says, or longer each time. */
  async wait({ status, retryAfter }, tries) {
    const seconds = Math.min(MOST_WAIT_S, retryAfter ?? 2 ** tries);
    this.waiting = `${status === 0 ? "The service cannot be reached" : "The service is busy"}. Going on in ${seconds} s …`;
    this.told(this);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1_000);
      this.ending.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.waiting = null;
  }
}
