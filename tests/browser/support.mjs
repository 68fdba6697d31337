// A browser for the tests of one file, and what must hold on every page whatever a test is about: no request leaves the origin,
// the policy has nothing to report, no script fails, and axe finds nothing.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";

const require = createRequire(`${process.env.DEED_BROWSER}/`);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Where the service is. */
export const URL_OF_SERVICE = process.env.DEED_URL;
/** In every key that a test makes up. */
export const MARK = process.env.DEED_MARK;
export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 800 };
export const TENANT = ["tenant@thingsboard.org", "tenant"];
export const CUSTOMER = ["customer@thingsboard.org", "customer"];
export const CUSTOMER_B = ["customerB@thingsboard.org", "customer"];
export const AUDITOR = ["auditor@thingsboard.org", "auditor"];

const PATIENCE_MS = 20_000;
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];
let browser;

/** To be called before a page is opened: the browser has a camera that shows this file of raw pictures (Y4M). */
export function cameraShows(file) {
  ARGUMENTS.push("--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${file}`);
}

// When the first page is opened: hooks of a file run before the rest of it.
const launched = () => (browser ??= chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGUMENTS }));

/** Ends the browser; tests need not ask for it. */
export const close = async () => (await browser)?.close();

after(close);

/** What went wrong on the page that is open. */
let surprises = [];
let plain;

/** A context in which whatever surprises is noted. `known` are the origins that may be asked, `expected` errors on the console. */
async function watched(options, known, expected) {
  const context = await (await launched()).newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const watching = { context, known, expected };
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && !watching.known.has(url.origin)) {
      surprises.push(`a request to ${url.origin}`);
    }
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !watching.expected.test(message.text())) {
      surprises.push(`${message.type()}: ${message.text()}`);
    }
  });
  context.on("weberror", (error) => surprises.push(`an error: ${error.error().stack}`));
  await context.exposeBinding("surprise", (_, text) => surprises.push(text));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.surprise(`the policy was violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  return watching;
}

/** A new page, in which `as` has signed in. `finish` closes it and asserts what must hold: `origins` beside the service's may be
 * asked, and errors on the console are expected where `expected` says so: refused requests are written there, too. It is in a
 * context of its own where that is `more` than usual, or must be `fresh`, as its clock is set, or its cache is to be empty. Others
 * share one, which saves most of the time that it takes: what pages keep ends with the page. */
export async function open({ viewport = DESKTOP, dark = false, as = null, origins = [], expected = /^$/, fresh = false, ...more } = {}) {
  const known = new Set([new URL(URL_OF_SERVICE).origin, ...origins]);
  const isPlain = !fresh && Object.keys(more).length === 0;
  const watching = await (isPlain ? (plain ??= watched({}, known, expected)) : watched(more, known, expected));
  Object.assign(watching, { known, expected });
  const { context } = watching;
  surprises = [];
  const page = await context.newPage();
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  if (as) {
    // Once: it is not to come back after signing out.
    await page.addInitScript((session) => {
      if (location.protocol === "http:" && !sessionStorage.getItem("tests.as")) {
        sessionStorage.setItem("tests.as", "signed in");
        sessionStorage.setItem("deed.session", session);
      }
    }, JSON.stringify(await signedIn(...as)));
  }
  const finish = async () => {
    // What was reported a moment ago is heard by then: tasks of the page, and what it tells, keep their order.
    if (more.javaScriptEnabled !== false) {
      await page.evaluate(() => new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = resolve;
        port2.postMessage(null);
      }));
    }
    await (isPlain ? page : context).close();
    assert.deepEqual(surprises, []);
  };
  return { page, context, finish };
}

/** Opens a page, does something on it, and asserts what must hold. With `null` for the path, `work` opens it. */
export async function on(path, options, work) {
  const { page, context, finish } = await open(options);
  if (path !== null) {
    await page.goto(`${URL_OF_SERVICE}${path}`);
  }
  await work(page, context);
  await finish();
}

/** What has to be true of a page as it stands: axe finds nothing, and nothing has to be scrolled sideways. */
export async function check(page) {
  await checkBy(page, {});
}

async function checkBy(page, rules) {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(AXE);
  }
  const violations = await page.evaluate(async (wanted) => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"], preload: false, ...wanted });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
  }, rules);
  assert.deepEqual(violations, []);
  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(wide <= seen, `the page is ${wide} wide in a window of ${seen}`);
}

/** The same on a phone and at a desk, in the light and in the dark. All rules but those about colours hang on the width alone. */
export async function checkAll(page) {
  const before = page.viewportSize();
  for (const viewport of [PHONE, DESKTOP]) {
    await page.setViewportSize(viewport);
    for (const [colorScheme, rules] of [["light", {}], ["dark", { runOnly: ["color-contrast", "link-in-text-block"] }]]) {
      await page.emulateMedia({ colorScheme });
      await checkBy(page, rules);
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null });
}

/** Fills the form for signing in, which the page shows. */
export async function signIn(page, [email, password]) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("main").getByRole("button", { name: "Sign in", exact: true }).click();
}

/** What the REST API answers to that person: `{status, data}`. */
export async function api(person, method, path, body) {
  const headers = { "Content-Type": "application/json", Accept: "application/problem+json, application/json" };
  if (person) {
    headers["X-Authorization"] = `Bearer ${(await login(person)).token}`;
  }
  const answer = await fetch(`${URL_OF_SERVICE}/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, data: text && JSON.parse(text) };
}

const logins = new Map();

/** The session of that person that the requests of this file share. */
function login([username, password]) {
  if (!logins.has(username)) {
    logins.set(username, signedIn(username, password));
  }
  return logins.get(username);
}

/** A new session, as pages keep it. */
async function signedIn(username, password) {
  const { data: { token, refreshToken } } = await api(null, "POST", "api/auth/login", { username, password });
  const headers = { "X-Authorization": `Bearer ${token}` };
  const { id, email, firstName, lastName, authority, customerId } = await (await fetch(`${URL_OF_SERVICE}/api/auth/user`, { headers })).json();
  const name = [firstName, lastName].filter(Boolean).join(" ") || email;
  return { token, refreshToken, user: { id: id.id, email, name, authority, customerId: customerId?.id ?? null } };
}

/** The texts of everything that the Tab key leads to, in its order; each has to show that it has the focus. */
export async function tabbed(page) {
  await page.evaluate(() => document.activeElement.blur());
  const names = [];
  for (let i = 0; i < 100; i += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      let element = document.activeElement;
      if (element === document.body) {
        return null;
      }
      while (element.shadowRoot?.activeElement) {
        element = element.shadowRoot.activeElement;
      }
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const name = element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent.trim();
      return { name: name.replace(/\s+/g, " "), visible: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 };
    });
    if (!at) {
      break;
    }
    assert.ok(at.visible, `one does not see that ${at.name} has the focus`);
    names.push(at.name);
  }
  return names;
}
