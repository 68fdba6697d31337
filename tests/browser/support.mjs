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

/** A phone in the light and a desk in the dark: what is wide or narrow does not depend on colours, nor they on it. */
export const VIEWS = [{ viewport: PHONE, dark: false }, { viewport: DESKTOP, dark: true }];

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

/** A new page in a context of its own. `finish` closes it and asserts what must hold: `origins` beside the service's may be
 * asked, and errors on the console are expected where `expected` says so: refused requests are written there, too. */
export async function open({ viewport = DESKTOP, dark = false, origins = [], expected = /^$/, ...more } = {}) {
  const context = await (await launched()).newContext({ viewport, colorScheme: dark ? "dark" : "light", locale: "en-GB", ...more });
  context.setDefaultTimeout(PATIENCE_MS);
  const surprises = [];
  const known = new Set([new URL(URL_OF_SERVICE).origin, ...origins]);
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && !known.has(url.origin)) {
      surprises.push(`a request to ${url.origin}`);
    }
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !expected.test(message.text())) {
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
  const page = await context.newPage();
  const finish = async () => {
    // What was reported a moment ago is heard by then.
    await page.waitForTimeout(50);
    await context.close();
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
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
  });
  assert.deepEqual(violations, []);
  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(wide <= seen, `the page is ${wide} wide in a window of ${seen}`);
}

/** The same in each view. */
export async function checkAll(page) {
  const before = page.viewportSize();
  for (const { viewport, dark } of VIEWS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
    await check(page);
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
    headers["X-Authorization"] = `Bearer ${await token(person)}`;
  }
  const answer = await fetch(`${URL_OF_SERVICE}/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, data: text && JSON.parse(text) };
}

const tokens = new Map();

async function token([username, password]) {
  if (!tokens.has(username)) {
    const { data } = await api(null, "POST", "api/auth/login", { username, password });
    tokens.set(username, data.token);
  }
  return tokens.get(username);
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
