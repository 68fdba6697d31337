// What the columns of a file of devices may be, and what each is taken for by its name, as by `deed import`.

const FLAG = ["true", "false"];

/** By the word that stands for each: what people read, what the service calls it, and whether a cell is a secret. A column
 * whose cells are one of few `words` takes no others. */
export const KINDS = {
  "": { text: "Leave out" },
  name: { text: "Name", type: "NAME" },
  type: { text: "Type", type: "TYPE" },
  label: { text: "Label", type: "LABEL" },
  description: { text: "Description", type: "DESCRIPTION" },
  gateway: { text: "Is a gateway: true or false", type: "IS_GATEWAY", words: FLAG },
  secretkey: { text: "Claim key", secret: true },
  expirationtime: { text: "Claim key works until" },
  claimingdata: { text: "Claim key and its time in one", type: "SERVER_ATTRIBUTE", key: "claimingData", secret: true },
  claimingallowed: {
    text: "Claiming allowed: true or false", type: "SERVER_ATTRIBUTE", key: "claimingAllowed", words: [...FLAG, "1", "0"],
  },
  accesstoken: { text: "Access token", type: "ACCESS_TOKEN", secret: true },
  mqttclientid: { text: "MQTT client id", type: "MQTT_CLIENT_ID" },
  mqttusername: { text: "MQTT user name", type: "MQTT_USER_NAME" },
  mqttpassword: { text: "MQTT password", type: "MQTT_PASSWORD", secret: true },
  certificate: { text: "Certificate", type: "X509" },
  server: { text: "Server attribute of this name", type: "SERVER_ATTRIBUTE", several: true },
  shared: { text: "Shared attribute of this name", type: "SHARED_ATTRIBUTE", several: true },
};

/** The word of the kind that a column of that name has; empty if it says nothing. */
export function guess(heading) {
  const [scope, key] = split(heading);
  const word = plain(key);
  if (scope) {
    return scope === "server" && ["claimingdata", "claimingallowed"].includes(word) ? word : scope;
  }
  return KINDS[word]?.several || !(word in KINDS) ? "" : word;
}

/** The key of the attribute that a column of that name is. */
export function keyOf(heading) {
  return split(heading)[1];
}

function split(heading) {
  const found = /^\s*(server|shared)\s*:(.*)$/is.exec(heading);
  return found && found[2].trim() ? [found[1].toLowerCase(), found[2].trim()] : [null, heading.trim()];
}

function plain(name) {
  return name.replaceAll(/[ _-]/g, "").toLowerCase();
}

/** What is wrong with the choice of columns as a whole, or null. `kinds` are the words of the columns in their order. */
export function fault(kinds) {
  const twice = Object.keys(KINDS).find((word) => word && !KINDS[word].several && kinds.filter((kind) => kind === word).length > 1);
  if (!kinds.includes("name")) {
    return "One column has to be the name.";
  }
  if (twice) {
    return `Two columns are “${KINDS[twice].text}”: only one can be.`;
  }
  if (kinds.includes("claimingdata") && kinds.some((kind) => kind === "secretkey" || kind === "expirationtime")) {
    return "The claim key stands in two columns: only one can be it.";
  }
  return kinds.includes("expirationtime") && !kinds.includes("secretkey") ? "A time without a column of claim keys means nothing." : null;
}
