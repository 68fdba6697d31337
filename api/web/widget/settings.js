// What the host page has set on the element, by attributes.

/** Attributes that replace a text of the element, and which. */
const TEXTS = {
  "claim-label": "claim",
  "name-label": "nameLabel",
  "name-placeholder": "namePlaceholder",
  "key-label": "keyLabel",
  "key-placeholder": "keyPlaceholder",
  "text-success": "success",
  "text-in-progress": "inProgress",
  "text-name-required": "nameRequired",
  "text-key-required": "keyRequired",
};

const OTHERS = [
  "heading", "hide-key", "hide-labels", "lang", "name", "relation-direction", "relation-entity-id", "relation-entity-type",
  "relation-type", "scan", "server", "sign-in", "text-failed", "text-not-found",
];

export const ATTRIBUTES = [...Object.keys(TEXTS), ...OTHERS];

/** The settings as the attributes of the element say. */
export function settingsOf(element) {
  const texts = {};
  for (const [attribute, text] of Object.entries(TEXTS)) {
    if (element.hasAttribute(attribute)) texts[text] = element.getAttribute(attribute);
  }
  return {
    heading: element.getAttribute("heading"),
    hidesKey: element.hasAttribute("hide-key"),
    hidesLabels: element.hasAttribute("hide-labels"),
    scans: element.getAttribute("scan") !== "off",
    signsIn: element.getAttribute("sign-in") !== "none",
    texts,
    own: { failed: element.getAttribute("text-failed"), notFound: element.getAttribute("text-not-found") },
    relation: relationOf(element),
  };
}

// ThingsBoard's widget relates from the entity of the dashboard to the device, by `Contains`, unless told otherwise.
function relationOf(element) {
  const [type, entityType, id] = ["relation-type", "relation-entity-type", "relation-entity-id"].map((name) => element.getAttribute(name));
  if (type === null && id === null) return null;
  const direction = element.getAttribute("relation-direction") === "to" ? "to" : "from";
  return { type: type || "Contains", direction, entity: id ? { entityType: entityType || "ASSET", id } : null };
}

/** The languages that the reader may want, best first: that of the surrounding page, then those of the browser. */
export function languagesOf(element) {
  const wanted = navigator.languages?.length ? navigator.languages : [navigator.language ?? "en"];
  for (let node = element; node; node = node.parentNode ?? node.host) {
    const language = node.getAttribute?.("lang");
    // In the manner of the reader's region, if the page names none: how dates are written hangs on it.
    if (language) return [wanted.find((tag) => tag.toLowerCase().startsWith(`${language.toLowerCase()}-`)) ?? language];
  }
  return wanted;
}
