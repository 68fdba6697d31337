// The REST API, as whoever is signed in. A token that has run out is exchanged for a new one, and the request is sent again.

import { ask, content, Refused } from "../widget/client.js";
import { current, renewed, ROOT } from "./session.js";

export { Refused };

/** `{status, data, headers}`: JSON as what it means, text as text, anything else as a blob. Throws `Refused` `{status, code,
 * detail, retryAfter, requestId}`, or `AbortError` if `signal` ended it. `path` begins with `api/`. */
export async function call(method, path, options = {}) {
  const answer = await stream(path, { ...options, method });
  return { status: answer.status, data: await content(answer), headers: answer.headers };
}

/** The answer itself, to be read as it comes. Throws as `call` does. */
export async function stream(path, { method = "GET", ...options } = {}) {
  const { token, user } = current() ?? {};
  try {
    return await ask(ROOT, method, path, { ...options, token });
  } catch (refused) {
    const newer = token && refused.status === 401 ? await renewed(token) : null;
    // By then it may be somebody else who is signed in.
    if (!newer || current()?.user.id !== user.id) {
      throw refused;
    }
    return ask(ROOT, method, path, { ...options, token: newer });
  }
}
