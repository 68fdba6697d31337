// The claim itself, as `POST /api/customer/device/{name}/claim` takes it.

import { ask, claimPath, content, Refused } from "./client.js";
import { codeOf } from "./outcome.js";

const TIMEOUT_MS = 30_000;

/**
 * Claims the device and gives it as the server tells it; null if nobody is signed in. `token` is asked for a token, and once
 * more, with true, if that one is not accepted. Throws `Refused`.
 */
export async function claimDevice(server, { kind, name, key }, token) {
  const names = kind === "tr005" ? [name, name.toLowerCase()] : [name];
  for (const [i, spelt] of names.entries()) {
    try {
      return await signedIn(server, spelt, key, token);
    } catch (refusal) {
      // A QR code of TR005 has capitals, the device may have been registered without: a name is no secret to be guessed.
      if (i + 1 === names.length || codeOf(refusal) !== "device_not_found") throw refusal;
    }
  }
}

async function signedIn(server, name, key, token) {
  for (const expired of [false, true]) {
    const given = await token(expired);
    if (!given) return null;
    try {
      return await claim(server, name, key, given);
    } catch (refusal) {
      if (refusal.status !== 401) throw refusal;
    }
  }
  return null;
}

async function claim(server, name, key, token) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const body = key ? { secretKey: key } : {};
    const answer = await content(await ask(server, "POST", claimPath(name), { body, token, signal }));
    return answer.device ?? answer;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused({ status: 0, code: "unreachable", detail: "No answer came in time." });
  }
}
