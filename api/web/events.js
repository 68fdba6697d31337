// Server-sent events, read by `fetch`, as the `EventSource` of browsers sends no token. What breaks off is taken up where it was.

import { Refused } from "../widget/client.js";
import { stream } from "./api.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** The service sends something every 15 s. Where nothing comes for so long, nothing is there. */
const SILENCE_MS = 40_000;

/** Follows the events of `path` until `signal` ends it. `from` is the query for the first time; later ones go on after the last
 * event. `onEvent` gets each one's data, `onState` `live` or `reconnecting`. Throws what the service refuses for good, and what
 * is wrong with what it told. */
export async function follow(path, { from, signal, onEvent, onState }) {
  let query = from;
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    const attempt = new AbortController();
    const end = () => attempt.abort();
    signal.addEventListener("abort", end);
    try {
      const answer = await stream(path, { query, accept: "text/event-stream", signal: attempt.signal });
      onState("live");
      for await (const { id, data } of messages(chunks(answer.body, end))) {
        wait = FIRST_WAIT_MS;
        if (data !== "") {
          query = { after: id };
          onEvent(JSON.parse(data));
        }
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof Refused) || [400, 401, 403, 404].includes(error.status)) {
        throw error;
      }
      wait = Math.max(wait, (error.retryAfter ?? 0) * 1_000);
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
    onState("reconnecting");
    // Not all at once, after a restart of the service.
    await pause(wait * (0.5 + Math.random() / 2), signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/** The text as it comes, until the connection ends, however it does; `end` is called when none has come for too long. */
async function* chunks(body, end) {
  const text = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const timer = setTimeout(end, SILENCE_MS);
    const { done, value } = await text.read().catch(() => ({ done: true })).finally(() => clearTimeout(timer));
    if (done) {
      return;
    }
    yield value;
  }
}

/** `{id, data}` of each block of lines that an empty line ends; comments and what has no data are blocks, too. What stands
 * after the last empty line is left out: it is not whole. */
export async function* messages(texts) {
  let rest = "";
  let id = "";
  for await (const text of texts) {
    rest += text;
    // A carriage return at the end may be the first half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    let block = 0;
    let data = [];
    let seen = false;
    for (let i = 0; i < lines.length - 1; i += 1) {
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(lines[i]);
      if (lines[i] === "") {
        if (seen) {
          yield { id, data: data.join("\n") };
        }
        block = i + 1;
        data = [];
        seen = false;
        continue;
      }
      seen = true;
      if (field === "data") {
        data.push(value);
      } else if (field === "id") {
        id = value;
      }
    }
    rest = lines.slice(block).join("\n");
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
