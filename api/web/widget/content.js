// What a QR code on a device says: the service's own link, ThingsBoard's JSON, LoRaWAN TR005, or a bare name.

const LONGEST_NAME = 255;

/**
 * Reads the text of a QR code. `server` is the address of the service whose links count as its own.
 *
 * Gives `{kind, name, key, expires}` with `kind` one of `link`, `json`, `tr005`, `name`; `key` null if there is none,
 * `expires` in milliseconds or null. Or `{kind: "elsewhere", host}` for the link of another service, which is never
 * followed, or `{kind: "unknown", text}`.
 */
export function read(text, server) {
  const trimmed = text.trim();
  return link(trimmed, server) ?? json(trimmed) ?? tr005(trimmed) ?? bareName(trimmed) ?? { kind: "unknown", text: trimmed };
}

/** The members of a link's fragment, `#n=…&k=…&x=…`, or null if it names no device. `x` counts seconds. */
export function readFragment(hash) {
  const members = {};
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    // Not as a form is read: there a plus would be a blank.
    if (at > 0) members[part.slice(0, at)] = decoded(part.slice(at + 1));
  }
  const name = members.n;
  if (!name || !canBeName(name)) return null;
  return { name, key: members.k ?? null, expires: /^\d{1,11}$/.test(members.x ?? "") ? Number(members.x) * 1000 : null };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

// Control characters and halves of characters stand in no device's name.
const canBeName = (text) => [...text].length <= LONGEST_NAME && !/[\p{Cc}\p{Cs}]/u.test(text);

function link(text, server) {
  if (!/^https?:\/\/[^\s]+$/i.test(text)) return null;
  let url;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  const found = /\/claim\/?$/.test(url.pathname) ? readFragment(url.hash) : null;
  if (!found) return null;
  return url.origin === new URL(server).origin ? { kind: "link", ...found } : { kind: "elsewhere", host: url.host };
}

function json(text) {
  if (!text.startsWith("{")) return null;
  const unknown = { kind: "unknown", text };
  // A number keeps its spelling: 1.50 is another key than 1.5. Strings come first, so that none is changed inside.
  const spelt = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => (token[0] === '"' ? token : `"${token}"`));
  let members;
  try {
    members = JSON.parse(spelt);
  } catch {
    return unknown;
  }
  const name = scalar(members.deviceName ?? members.name);
  const key = scalar(members.secretKey);
  if (!name || !canBeName(name) || key === undefined) return unknown;
  return { kind: "json", name, key, expires: null };
}

/** The text of a string, a number or a boolean; null where there is nothing; undefined for anything else. */
function scalar(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? undefined : String(value);
}

const EUI = /^[0-9A-F]{16}$/i;

// TR005 of the LoRa Alliance, "LoRaWAN Device Identification QR Codes for Automated Onboarding"; the owner token is
// the proof of ownership. Its third draft wrote it as a URN.
function tr005(text) {
  const draft = /^URN:DEV:LW:([^_]+)_([^_]+)_([^_]+)(?:_(.*))?$/i.exec(text);
  if (!draft && !/^LW:D0:/i.test(text)) return null;
  const [joinEui, devEui, profile, ...extensions] = draft
    ? [...draft.slice(1, 4), ...(draft[4] ?? "").split("_").map((part) => part.replace(/^V/i, "O"))]
    : text.split(":").slice(2);
  const name = (devEui ?? "").replaceAll("-", "");
  if (!EUI.test((joinEui ?? "").replaceAll("-", "")) || !EUI.test(name) || !/^[0-9A-F]{8}$/i.test(profile ?? "")) {
    return { kind: "unknown", text };
  }
  const token = extensions.find((part) => /^O./i.test(part));
  return { kind: "tr005", name, key: token ? token.slice(1) : null, expires: null };
}

// What a QR code has of other things. A device's name may have a colon, too.
const OTHER = /^(?:[a-z][a-z0-9+.-]*:\/\/|(?:begin|geo|mailto|mecard|sms|smsto|tel|wifi):)/i;

function bareName(text) {
  return text && !OTHER.test(text) && canBeName(text) ? { kind: "name", name: text, key: null, expires: null } : null;
}
