// The OpenAPI document, for people: operations by subject, to be searched and unfolded. An address with `#get-/api/…` opens one.

import { call } from "./api.js";
import { count, h, replace } from "./dom.js";
import { copy, failure, start, tell } from "./page.js";
import { line, prose, reader, folded } from "./schema.js";
import { ROOT } from "./session.js";

const METHODS = { get: "accent", post: "good", put: "warn", patch: "warn", delete: "bad" };
const PLACES = { path: "in the path", query: "in the query", header: "a header" };
const PROBLEM = "application/problem+json";
let isLoaded = false;

start({
  title: "API",
  render: (main) => isLoaded || load(main),
});

/** The rest of the page is there without it. */
async function load(main) {
  const place = main.querySelector("#operations");
  try {
    const { data } = await call("GET", "api/openapi.json");
    isLoaded = true;
    replace(main.querySelector("#version"), data.info.version);
    show(place, data);
    follow();
    addEventListener("hashchange", follow);
  } catch (error) {
    replace(place, failure(error, () => load(main)));
  }
}

function show(place, data) {
  const operations = Object.entries(data.paths).flatMap(([path, item]) =>
    Object.keys(METHODS).filter((method) => item[method]).map((method) => ({ method, path, ...item[method] })));
  const read = reader(data);
  const named = new Map(data.tags.map((tag) => [tag.name, tag]));
  const subjects = new Set([...named.keys(), ...operations.map(({ tags }) => tags[0])]);
  const sections = [...subjects].map((name) => {
    const tag = named.get(name) ?? { name };
    const of = operations.filter(({ tags }) => tags[0] === tag.name).map((operation) => shown(operation, read, tag));
    const id = `about-${tag.name.replaceAll(" ", "-")}`;
    const link = h("a", { href: `#${id}` }, capital(tag.name), " ", h("span", { class: "muted" }, String(of.length)));
    const section = h("section", { "aria-labelledby": id },
      h("h2", { id, tabIndex: -1 }, capital(tag.name)), h("p", { class: "muted" }, line(tag.description && `${tag.description}.`)),
      of.map(({ element }) => element));
    return { of, section, item: h("li", {}, link) };
  });
  const all = count(operations.length, "operation", "operations");
  const found = h("p", { role: "status", class: "muted" }, all);
  const search = h("input", { id: "search", type: "search", autocomplete: "off", placeholder: "claim, devices, POST …" });
  const none = h("p", { class: "empty", hidden: true }, "Nothing here is called that.");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let sum = 0;
    for (const { of, section, item } of sections) {
      const matching = of.filter(({ element, text }) => {
        element.hidden = !words.every((word) => text.includes(word));
        return !element.hidden;
      }).length;
      sum += matching;
      section.hidden = item.hidden = matching === 0;
    }
    none.hidden = sum > 0;
    replace(found, words.length ? `${sum} of ${all}` : all);
  });
  replace(place,
    h("div", { class: "contents" },
      h("div", { role: "search", class: "field" }, h("label", { for: search.id }, "Find an operation"), search, found),
      h("nav", { "aria-label": "Subjects" }, h("ul", {}, sections.map(({ item }) => item)))),
    h("div", { class: "sections" }, none, sections.map(({ section }) => section)));
}

/** An operation to be unfolded, and the text in which a search looks. */
function shown(operation, read, tag) {
  const { method, path, summary, description = "" } = operation;
  const element = h("details", { id: `${method}-${path}`, class: "operation" },
    h("summary", {},
      h("span", { class: `badge ${METHODS[method]}` }, method.toUpperCase()), " ",
      h("code", {}, path.split(/(?=\/)/).flatMap((part) => [h("wbr"), part])), " ",
      h("span", { class: "what" }, summary)));
  element.addEventListener("toggle", () => {
    if (element.open && element.children.length === 1) {
      element.append(body(operation, read));
    }
    if (element.open) {
      history.replaceState(null, "", `#${encodeURI(element.id)}`);
    }
  });
  return { element, text: `${method} ${path} ${summary} ${description} ${tag.name}`.toLowerCase() };
}

function body(operation, read) {
  const { parameters = [], requestBody, responses } = operation;
  const sent = requestBody && Object.entries(requestBody.content);
  const refusal = Object.values(responses).map(({ content: media }) => Object.entries(media ?? {})).find(isUsual);
  return h("div", { class: "about" },
    prose(operation.description),
    h("p", { class: "muted" }, isSigned(operation)
      ? ["Signed in: ", h("code", {}, "X-Authorization: Bearer …")]
      : "Without signing in."),
    parameters.length > 0 && [h("h3", {}, "Parameters"), parameterList(parameters, read)],
    sent && h("h3", {}, requestBody.required ? "Body" : "Body, optional"),
    sent?.map((one) => content(one, read, requestBody.description)),
    h("h3", {}, "Answers"),
    h("ul", { class: "answers" }, Object.entries(responses).map((answer) => answerOf(answer, read))),
    refusal && folded("What a refusal looks like", () => h("div", {}, refusal.map((one) => content(one, read)))),
    h("h3", {}, "Call"),
    copied(curl(operation, read)));
}

function parameterList(parameters, read) {
  return h("ul", { class: "shape" }, parameters.map(({ name, in: where, required, description, schema }) => {
    const kind = [read.typeText(schema).replace(" or null", ""), PLACES[where], !required && "optional"];
    return h("li", {},
      h("code", { class: "name" }, name), " ", h("span", { class: "type" }, kind.filter(Boolean).join(", ")), " ",
      line(read.told(schema, description)));
  }));
}

function answerOf([status, { description, content: media = {}, headers = {} }], read) {
  const isGood = status < 400;
  const shapes = Object.entries(media);
  // Problems all look the same, and are told once.
  const special = isGood ? shapes : shapes.filter(([type]) => !isUsual(shapes) && type !== PROBLEM);
  return h("li", {},
    h("span", { class: `badge ${isGood ? "good" : ""}` }, status),
    h("div", {},
      h("p", {}, line(description)),
      Object.entries(headers).map(([name, header]) => h("p", {}, h("code", {}, name), ": ", line(header.description))),
      special.map((one) => content(one, read))));
}

/** Whether these are the two forms that almost every refusal has. */
function isUsual(shapes) {
  const refers = (name) => shapes.some(([, { schema }]) => schema.$ref === `#/components/schemas/${name}`);
  return shapes.length === 2 && refers("ErrorBody") && refers("Problem");
}

/** What a body is: its media type, its members, an example. */
function content([media, { schema }], read, description) {
  const members = read.unfolds(schema) && read.shape(schema);
  const isTelling = media.endsWith("json") && (members || read.resolved(schema).items);
  return h("div", { class: "content" },
    h("p", {}, h("code", {}, media), " ", h("span", { class: "type" }, read.typeText(schema))),
    prose(description ?? (members ? null : read.resolved(schema).description)),
    members,
    isTelling && folded("Example", () => copied(JSON.stringify(read.example(schema), null, 2))));
}

/** Text that a button copies. */
function copied(text) {
  const area = h("pre", {}, h("code", {}, text));
  const onclick = async () => tell(await copy(text, area));
  return h("div", { class: "copied" }, area, h("button", { type: "button", class: "quiet", onclick }, "Copy"));
}

/** How to call it from a shell. What the caller has to know is a variable there. */
function curl(operation, read) {
  const { method, path, parameters = [], requestBody } = operation;
  const needed = parameters.filter(({ in: where, required }) => where === "query" && required);
  const query = needed.map(({ name, schema }, i) => `${i ? "&" : "?"}${name}=${read.resolved(schema).example ?? `$${name}`}`).join("");
  const [media, { schema } = {}] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const text = media && (media.endsWith("json") ? JSON.stringify(read.example(schema)) : String(read.example(schema)));
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${ROOT}${path.slice(1).replaceAll(/\{(\w+)\}/g, "$$$1")}${query}"`,
    isSigned(operation) && `-H "X-Authorization: Bearer $TOKEN"`,
    media && `-H "Content-Type: ${media}"`,
    media && `-d '${text.replaceAll("'", "'\\''")}'`,
  ].filter(Boolean).join(" \\\n  ");
}

/** Opens the operation that the address names, and goes there. */
function follow() {
  const target = document.getElementById(decoded(location.hash.slice(1)));
  if (target?.classList.contains("operation")) {
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  } else {
    target?.scrollIntoView();
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isSigned({ security = [] }) {
  return security.length > 0;
}

function capital(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}`.replace(/\bapi\b/i, "API");
}
