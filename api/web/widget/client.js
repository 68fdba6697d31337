// Asks a server, deed's or ThingsBoard's, and says in one form why it refused.

const PROBLEM = "application/problem+json, application/json";
/** Text that is longer, or has markup in it, is a proxy's page. */
const LONGEST_SAID = 200;

/** Why there is no answer. `status` is 0 where none came at all, and `code` then `unreachable`. A server that knows no code
 * words leaves `code` null; `errorCode` is ThingsBoard's number. `retryAfter` is in seconds. */
export class Refused extends Error {
  constructor({ status, code = null, errorCode = null, detail, retryAfter = null, requestId = null }) {
    super(detail);
    Object.assign(this, { name: "Refused", status, code, errorCode, detail, retryAfter, requestId });
  }
}

/** Where a device of that name is claimed and given back. Refuses `.` and `..`, which browsers take for steps of the path however
 * they are written. */
export function claimPath(name) {
  if (name === "." || name === "..") {
    const detail = `Browsers cannot ask for a device that is called “${name}”. Whoever administers it can give it another name.`;
    throw new Refused({ status: 0, code: "unaddressable_name", detail });
  }
  return `api/customer/device/${encodeURIComponent(name)}/claim`;
}

/** The answer to a request of the server at `root`, if it is a success; its body is not read yet. `path` has no slash before
 * it, as the server may stand behind a prefix. What is undefined, null or empty in `query` is left out. */
export async function ask(root, method, path, { query = {}, body, accept, token, signal } = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") {
      url.searchParams.set(name, value);
    }
  }
  const headers = { Accept: accept ? `${accept}, ${PROBLEM}` : PROBLEM };
  if (token) {
    headers["X-Authorization"] = `Bearer ${token}`;
  }
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    const text = body === undefined ? undefined : JSON.stringify(body);
    answer = await fetch(url, { method, headers, body: text, signal, credentials: "omit", referrerPolicy: "no-referrer" });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new Refused({ status: 0, code: "unreachable", detail: "The service cannot be reached." });
  }
  if (!answer.ok) {
    throw await refusal(answer);
  }
  return answer;
}

/** What stands in an answer: JSON as what it means, text as text, and anything else as a blob. */
export async function content(answer) {
  const kind = answer.headers.get("Content-Type") ?? "";
  if (/[/+]json/.test(kind)) {
    const text = await answer.text();
    return text === "" ? null : JSON.parse(text);
  }
  return kind === "" || kind.startsWith("text/") ? answer.text() : answer.blob();
}

async function refusal(answer) {
  const told = await content(answer).catch(() => null);
  const isPage = typeof told === "string" && (told.length > LONGEST_SAID || told.includes("<"));
  const problem = told !== null && typeof told === "object" ? told : { detail: isPage ? null : told };
  const seconds = Number.parseInt(answer.headers.get("Retry-After"), 10);
  return new Refused({
    status: answer.status,
    code: problem.code,
    errorCode: problem.errorCode,
    detail: String(problem.detail || problem.message || `The service answered ${answer.status}.`),
    retryAfter: Number.isFinite(seconds) ? seconds : null,
    requestId: problem.requestId ?? answer.headers.get("X-Request-Id"),
  });
}
