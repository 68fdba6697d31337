// What the element says, in English, and how to say it in another language. `{name}` and the like stand for what is put there.

export const EN = {
  heading: "Claim a device",
  intro: "Scan the QR code on the label, or type what the label says.",
  introTyping: "Type what the label of the device says.",
  scan: "Scan the QR code",
  photo: "Use a photo of it",
  stop: "Stop the camera",
  aim: "Hold the QR code in front of the camera.",
  or: "or",
  nameLabel: "Device name",
  namePlaceholder: "",
  keyLabel: "Secret key",
  keyPlaceholder: "",
  nameRequired: "Please enter the name of the device.",
  keyRequired: "Please enter the secret key.",
  claim: "Claim",
  notThis: "Not this device?",
  inProgress: "Claiming …",
  another: "Claim another device",

  worksFor: "This key works for another {time}.",
  ranOut: "By its label, this key ran out on {date}.",

  readAs: "Read as {key}: made keys have no 0, O, 1 or I.",
  doubt: "This is almost a key, but one character is not as on the label. Please compare it.",
  doubtPairs: "This is almost a key, but one character is not as on the label. Easily confused: {pairs}.",
  doubtAgain: "If it is right as it is, press “{claim}” again.",
  mayBe: "It may be {key}: made keys have no 0, O, 1 or I. To send that, press “{claim}” again.",
  sentAsRead: "It was read as {key}. To send it exactly as you typed it, press “{claim}” again.",

  noCamera: "There is no camera here. Use a photo of the QR code, or type what the label says.",
  cameraRefused: "The camera may not be used. Allow it in the browser, use a photo of the QR code, or type what the label says.",
  cameraFailed: "The camera does not work just now. Another program may be using it. Use a photo, or type what the label says.",
  scanUnavailable: "QR codes cannot be read here. Please type what the label says.",
  noPicture: "This file is not a picture.",
  noCode: "No QR code was found in the picture. Take it straight on, near, and in good light.",
  elsewhere: "This code belongs to another service, {host}. It was not opened.",
  unknownCode: "This code says nothing of a device: {text}",
  found: "Found: {name}",

  success: "The device is yours.",
  relateFailed: "It could not be linked to the rest of this page, though. Please tell whoever runs it.",
  failed: "This key does not fit this device.",
  failedNext: "Compare name and key with the label. If they are right, ask the seller for a new key.",
  failedNoKey: "This device cannot be claimed just now.",
  failedNoKeyNext: "Press the button on the device that makes it claimable, or ask the seller, then try again.",
  expired: "This key has run out.",
  expiredNext: "Let the device show a new one, or ask the seller for a new key.",
  taken: "This device has an owner already.",
  takenNext: "If that is you, it is among your devices. If not, the owner has to give it back first.",
  notFound: "There is no device of this name.",
  notFoundNext: "Compare the name with the label: capitals, blanks and hyphens count.",
  unaddressable: "A device of this name cannot be claimed in a browser.",
  unaddressableNext: "Ask the seller to give it another name than one or two dots.",
  locked: "Too many wrong keys.",
  lockedNext: "Please wait {time} and compare the key with the label meanwhile.",
  lockedFor: "Possible again in {time}.",
  busy: "Too much is being asked of the service just now.",
  busyNext: "Please try again in {time}. What you entered is kept.",
  forbidden: "This account cannot claim devices.",
  forbiddenNext: "Administrators and auditors cannot. Sign in as the customer who is to own the device.",
  signInAgain: "Your sign-in has ended. Please sign in again.",
  malformed: "The service did not accept this.",
  malformedNext: "Please compare name and key with the label.",
  unreachable: "The service cannot be reached.",
  unreachableNext: "Check the connection and try again. What you entered is kept.",
  faulty: "The service could not do it.",
  faultyNext: "Please try again in a moment. What you entered is kept.",
  request: "Request {id}",

  signInTitle: "Sign in",
  signInFor: "Sign in to claim {name}.",
  signInNeeded: "Please sign in first.",
  email: "E-mail",
  password: "Password",
  emailRequired: "Please enter your e-mail address.",
  passwordRequired: "Please enter your password.",
  signIn: "Sign in and claim",
  signingIn: "Signing in …",
  back: "Back",
  forgotten: "Forgot your password?",
  letterSent: "If {email} has an account here, an e-mail with a link is on its way.",
  badCredentials: "E-mail or password is wrong.",
  disabled: "This account is switched off. Please ask whoever gave it to you.",
  signedInAs: "Signed in as {email}.",
  signOut: "Sign out",
  signInAsOther: "Sign in as somebody else",
};

const given = new Map([["en", EN]]);
const loaded = { de: () => import("./texts-de.js").then((module) => module.DE) };

/** Adds a language, or changes texts of one; what is missing is said in English. */
export function define(language, texts) {
  const tag = language.toLowerCase();
  given.set(tag, { ...given.get(tag), ...texts });
}

/** The texts of the first of these languages that is known, and its tag: `{tag, texts}`. */
export async function textsFor(languages) {
  for (const language of languages) {
    for (const tag of [language.toLowerCase(), language.toLowerCase().split("-")[0]]) {
      const ofFile = loaded[tag] ? await loaded[tag]().catch(() => null) : null;
      // The tag as it was wished for: a region decides how dates are written.
      if (ofFile || given.has(tag)) return { tag: language, texts: { ...EN, ...ofFile, ...given.get(tag) } };
    }
  }
  return { tag: "en", texts: EN };
}

/** The text with `{word}`s put in. */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, word) => values[word] ?? whole);
}

/** A length of time for people: minutes and seconds below an hour, else whole hours or days. */
export function duration(milliseconds, tag) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const say = (number, unit) => new Intl.NumberFormat(tag, { style: "unit", unit, unitDisplay: "long" }).format(number);
  if (seconds < 60) return say(seconds, "second");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return seconds < 48 * 3600 ? say(Math.floor(seconds / 3600), "hour") : say(Math.floor(seconds / 86400), "day");
}

/** The same in whole minutes, for what is said once and does not tick. */
export function roundly(milliseconds, tag) {
  const minutes = Math.ceil(milliseconds / 60_000);
  if (milliseconds < 60_000 || minutes >= 60) return duration(milliseconds, tag);
  return new Intl.NumberFormat(tag, { style: "unit", unit: "minute", unitDisplay: "long" }).format(minutes);
}

/** Day and time of day, in the reader's time zone. */
export function date(milliseconds, tag) {
  return new Intl.DateTimeFormat(tag, { dateStyle: "long", timeStyle: "short" }).format(milliseconds);
}
