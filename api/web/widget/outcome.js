// What a refusal means for the person, and what to do next.

import { fill, roundly } from "./texts.js";

/** Seconds to wait where a server does not say how long. */
export const WAIT_SECONDS = 60;

// ThingsBoard says in a bare word why a claim failed, and of other refusals it has a number.
const WORDS = { FAILURE: "claim_failed", CLAIMED: "already_claimed" };
const NUMBERS = { 10: "bad_credentials", 11: "token_expired", 20: "permission_denied", 32: "device_not_found", 33: "too_many_requests" };

/** The code word of a refusal, also where the server knows none. */
export function codeOf({ status, code, errorCode, detail }) {
  const ofStatus = status >= 500 ? "internal_error" : "malformed_request";
  return code ?? (status === 400 ? WORDS[detail] : null) ?? NUMBERS[errorCode] ?? ofStatus;
}

/** Whether what was entered itself is at fault. */
export const isAtFault = (code) => ["claim_failed", "key_expired", "device_not_found"].includes(code);

// What a host's own text for a claim that failed stands for. That one has to wait, and faults, are told all the same.
const OF_THE_CLAIM = new Set(["claim_failed", "key_expired", "already_claimed", "malformed_request", "permission_denied"]);

/** A refused claim in words: `{title, next, request, signInAsOther}`. `own` has the host's texts: `failed`, `notFound`. */
export function explainClaim(refusal, { texts, tag, hidesKey, own }) {
  const code = codeOf(refusal);
  const [title, next] = claim(refusal, code, texts, tag, hidesKey);
  const replaced = code === "device_not_found" ? own.notFound : OF_THE_CLAIM.has(code) ? own.failed : null;
  const said = replaced ? { title: replaced, next: "" } : { title, next };
  return { ...said, request: request(refusal, code, texts), signInAsOther: code === "permission_denied" };
}

function claim(refusal, code, texts, tag, hidesKey) {
  switch (code) {
    case "claim_failed":
      return hidesKey ? [texts.failedNoKey, texts.failedNoKeyNext] : [texts.failed, texts.failedNext];
    case "key_expired":
      return [texts.expired, texts.expiredNext];
    case "already_claimed":
      return [texts.taken, texts.takenNext];
    case "device_not_found":
      return [texts.notFound, texts.notFoundNext];
    case "unaddressable_name":
      return [texts.unaddressable, texts.unaddressableNext];
    case "claimant_locked":
      return [texts.locked, fill(texts.lockedNext, { time: toWait(refusal, tag) })];
    case "permission_denied":
      return [texts.forbidden, texts.forbiddenNext];
    case "malformed_request":
      return [texts.malformed, texts.malformedNext];
    default:
      return fault(refusal, texts, tag);
  }
}

/** A refused sign-in in words, in the same shape. */
export function explainSignIn(refusal, { texts, tag }) {
  const code = codeOf(refusal);
  const wrong = { bad_credentials: texts.badCredentials, authentication_failed: texts.badCredentials, account_disabled: texts.disabled }[code];
  const [title, next] = wrong ? [wrong, ""] : fault(refusal, texts, tag);
  return { title, next, request: request(refusal, code, texts) };
}

function fault(refusal, texts, tag) {
  if (refusal.status === 0) return [texts.unreachable, texts.unreachableNext];
  if (refusal.status === 429) return [texts.busy, fill(texts.busyNext, { time: toWait(refusal, tag) })];
  return [texts.faulty, texts.faultyNext];
}

// By the request's id whoever runs the service finds in its log what went wrong.
function request({ status, requestId }, code, texts) {
  const tells = status >= 500 || code === "malformed_request";
  return tells && requestId ? fill(texts.request, { id: requestId }) : "";
}

const toWait = (refusal, tag) => roundly((refusal.retryAfter ?? WAIT_SECONDS) * 1000, tag);
