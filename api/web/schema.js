// What the schemas of the OpenAPI document say, for people: a type in a few words, an example, and the members as a list that
// unfolds. Schemas refer to each other, and some to themselves, so that nothing is unfolded before somebody asks.

import { h } from "./dom.js";

const IS_NULL = (schema) => schema.type === "null";
const LENGTHS = { uuid: "uuid", int32: "integer", int64: "integer", binary: "bytes" };

/** Text in paragraphs, where what stands between backticks is code. */
export function prose(text) {
  return (text ?? "").split(/\n\s*\n/).filter(Boolean).map((paragraph) => h("p", {}, line(paragraph)));
}

/** The same for a line. */
export function line(text) {
  return (text ?? "").split(/`([^`]*)`/).map((part, i) => (i % 2 ? h("code", {}, part) : part));
}

/** A reader of the schemas in that document. */
export function reader(document) {
  const known = document.components.schemas;
  const nameOf = (schema) => schema.$ref?.split("/").pop();
  /** What a reference stands for. What is said beside it wins. */
  const resolved = ({ $ref, ...beside }) => ($ref ? { ...resolved(known[nameOf({ $ref })]), ...beside } : beside);
  const alternatives = (schema) => resolved(schema).oneOf?.filter((one) => !IS_NULL(one));
  const types = (schema) => [resolved(schema).type].flat();

  /** All members, also of what is added up: `[name, schema, isRequired]`. */
  function members(schema) {
    const { allOf = [], properties = {}, required = [] } = resolved(schema);
    const own = Object.entries(properties).map(([name, member]) => [name, member, required.includes(name)]);
    return [...allOf.flatMap(members), ...own];
  }

  /** `integer`, `DeviceOwner or null`, `array of Event`. */
  function typeText(schema) {
    const { oneOf, items, format } = resolved(schema);
    if (oneOf) {
      return oneOf.map(typeText).join(" or ");
    }
    if (nameOf(schema) && !resolved(schema).enum) {
      return nameOf(schema).replace(/^PageJson_(.*)$/, "page of $1");
    }
    if (items) {
      return `array of ${typeText(items)}`;
    }
    return types(schema).map((type) => (type && type !== "null" && LENGTHS[format]) || type || "anything").join(" or ");
  }

  /** What values there can be, beside the type. */
  function limits(schema) {
    const { enum: words, minimum, maximum, minLength, maxLength, default: usual } = resolved(schema);
    const range = (low, high, unit) =>
      low !== undefined && high !== undefined ? `${low} to ${high}${unit}`
        : high !== undefined ? `at most ${high}${unit}` : low > 0 ? `at least ${low}${unit}` : null;
    return [
      words?.length === 1 ? `always \`${words[0]}\`` : words && `one of ${words.map((word) => `\`${word}\``).join(", ")}`,
      range(minimum, maximum, ""),
      range(minLength || undefined, maxLength, " characters"),
      usual !== undefined && `\`${JSON.stringify(usual)}\` if missing`,
    ].filter(Boolean).join("; ");
  }

  /** A description, and what there is to say beside it: limits, an example. */
  function told(schema, description = resolved(schema).description) {
    const { example: value } = resolved(schema);
    const more = limits(schema);
    const shown = value === undefined || typeof value === "object" ? null : JSON.stringify(value);
    const sentences = [description, more && `${more[0].toUpperCase()}${more.slice(1)}.`, shown && `Example: \`${shown}\`.`];
    return sentences.filter(Boolean).join(" ");
  }

  /** A value as it might be. `path` has the names that are being unfolded. */
  function example(schema, path = []) {
    const meant = resolved(schema);
    const name = nameOf(schema);
    if (meant.example !== undefined) {
      return meant.example;
    }
    if (meant.enum) {
      return meant.enum[0];
    }
    if (name && path.includes(name)) {
      return null;
    }
    const deeper = name ? [...path, name] : path;
    const chosen = alternatives(schema)?.[0];
    if (chosen) {
      return example(chosen, deeper);
    }
    const list = members(schema);
    if (list.length > 0) {
      return Object.fromEntries(list.map(([member, inner]) => [member, example(inner, deeper)]));
    }
    if (meant.items) {
      return [example(meant.items, deeper)];
    }
    // Null where it may be: what is always null, too, has such a type.
    const [type] = types(schema).includes("null") ? ["null"] : types(schema);
    const simple = { string: meant.format === "uuid" ? "0192f6c0-6a5e-7c3b-9d2f-0b8a5c1d2e3f" : "…", integer: meant.minimum ?? 0,
      number: 0, boolean: true, object: {}, array: [], null: null };
    return simple[type] ?? null;
  }

  /** What can be unfolded of a schema: a list of members, or of alternatives; nothing for a plain value. */
  function shape(schema) {
    const meant = resolved(schema);
    const either = alternatives(schema);
    if (either?.length > 1) {
      return h("ul", { class: "shape" }, either.map((one) =>
        h("li", {}, h("span", { class: "type" }, typeText(one)), " ", line(resolved(one).description), shape(one))));
    }
    if (either) {
      return shape(either[0]);
    }
    if (meant.items) {
      return shape(meant.items);
    }
    const list = members(schema);
    return list.length === 0 ? null : h("ul", { class: "shape" }, list.map(([name, member, isRequired]) => {
      const kind = `${typeText(member)}${isRequired ? "" : ", optional"}`;
      return h("li", {},
        h("code", { class: "name" }, name), " ", h("span", { class: "type" }, kind), " ", line(told(member)),
        unfolds(member) && folded(`Members of ${name}`, () => shape(member)));
    }));
  }

  const unfolds = (schema) => {
    const inner = resolved(schema).items ?? alternatives(schema)?.[0] ?? schema;
    return inner !== schema ? unfolds(inner) : members(schema).length > 0;
  };

  return { example, resolved, shape, told, typeText, unfolds };
}

/** Something that is made when it is unfolded first. */
export function folded(title, make) {
  const details = h("details", { class: "fold" }, h("summary", {}, title));
  details.addEventListener("toggle", () => details.append(make()), { once: true });
  return details;
}
