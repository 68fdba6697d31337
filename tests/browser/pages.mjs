// What all pages have in common, the first page, and the page on which a password is chosen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AUDITOR, CUSTOMER, TENANT, PHONE, URL_OF_SERVICE, check, checkAll, on, signIn, tabbed } from "./support.mjs";

test("the first page explains, and leads on", async () => {
  await on("/", {}, async (page) => {
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
    for (const [door, path] of [["I have a label", "/claim"], ["I administer devices", "/devices"], ["I audit", "/feed"]]) {
      const link = page.getByRole("link").filter({ has: page.getByRole("heading", { name: door }) });
      assert.equal(new URL(await link.getAttribute("href"), page.url()).pathname, path);
    }
    await checkAll(page);
  });
});

test("it can be read at twice its size, and in a narrow window", async () => {
  const doubled = { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 };
  for (const view of [doubled, { viewport: { width: 320, height: 640 } }]) {
    await on("/", view, check);
  }
});

test("it can be used by keyboard", async () => {
  await on("/", {}, async (page) => {
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    const names = await tabbed(page);
    assert.deepEqual(names.slice(0, 5), ["Skip to the content", "deed", "Claim", "API", "Sign in"]);
    assert.ok(names.some((name) => name.startsWith("I have a label")));
    assert.equal(names.at(-1), "OpenAPI document");
    await page.locator(".skip").focus();
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => document.activeElement === document.querySelector("main") && location.hash === ""));
  });
});

test("it is shown without script, and before any script has come", async () => {
  await on("/", { javaScriptEnabled: false }, async (page) => {
    assert.ok(await page.getByRole("heading", { name: "Your device, in your name" }).isVisible());
  });
  await on(null, {}, async (page) => {
    let released = false;
    let show;
    const shown = new Promise((resolve) => {
      show = resolve;
    });
    await page.route("**/*.js", async (route) => {
      await shown;
      released = true;
      await route.continue();
    });
    await page.goto(`${URL_OF_SERVICE}/`, { waitUntil: "commit" });
    await page.getByRole("heading", { name: "Your device, in your name" }).waitFor();
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length === 1);
    assert.equal(released, false);
    show();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
  });
});

// A page like those that show devices, made of the first one: with its headers, and with a script of the tests.
const SCRIPT = `
import { call, stream, Refused } from "./api.js";
import { count, h, replace, time } from "./dom.js";
import { confirm, start, tell } from "./page.js";
import { current } from "./session.js";

let failures = 1;

start({
  roles: ["CUSTOMER_USER", "TENANT_ADMIN"],
  title: "Devices",
  async render(main, user) {
    if (location.hash === "#fails" && failures-- > 0) {
      await call("GET", "api/device/00000000-0000-0000-0000-000000000000");
    }
    const ask = async () => (await call("GET", "api/user/devices", { query: { pageSize: 1, page: 0, textSearch: "" } })).data;
    const { totalElements } = await ask();
    const asked = h("output");
    replace(main,
      h("h1", {}, "Devices of " + user.email),
      h("p", {}, count(totalElements, "device", "devices"), " on ", time(0)),
      h("label", { for: "note" }, "Note"),
      h("input", { id: "note" }),
      h("button", { type: "button", onclick: async () => {
        try {
          await Promise.all([ask(), ask(), ask()]);
          tell("Asked three times.");
        } catch (refused) {
          tell(refused instanceof Refused ? String(refused.status) : String(refused), false);
        }
      } }, "Ask"),
      h("button", { type: "button", onclick: async () => {
        replace(asked, String(await confirm({ title: "Give it back?", text: "The seller gets it.", yes: "Give back" })));
      } }, "Give back …"),
      asked);
  },
});
`;

async function withPage(options, work) {
  await on(null, options, async (page) => {
    const requests = [];
    page.on("request", (request) => requests.push(new URL(request.url()).pathname));
    await page.route("**/devices", async (route) => {
      const first = await route.fetch({ url: `${URL_OF_SERVICE}/` });
      const body = (await first.text()).replace("web/index.js", "web/of-tests.js").replace(/<section[^]*<noscript>/, "<noscript>");
      await route.fulfill({ response: first, body });
    });
    await page.route("**/web/of-tests.js", (route) => route.fulfill({ contentType: "text/javascript", body: SCRIPT }));
    await page.goto(`${URL_OF_SERVICE}/devices${options.hash ?? ""}`);
    await work(page, requests);
  });
}

const REFUSED = /the server responded with a status of 4\d\d/;
const heading = (page, name) => page.getByRole("heading", { level: 1, name });

test("who has not signed in gets the form in the place of the page", async () => {
  await withPage({ viewport: PHONE, expected: REFUSED }, async (page) => {
    assert.equal(await page.title(), "Devices · deed");
    await page.getByText("This page is for customers and administrators.").waitFor();
    await checkAll(page);
    const button = page.getByRole("main").getByRole("button", { name: "Sign in", exact: true });
    await button.click();
    await page.getByText("Please enter your e-mail.").waitFor();
    assert.ok(await page.getByLabel("E-mail").evaluate((field) => field === document.activeElement));
    await signIn(page, [CUSTOMER[0], "wrong"]);
    await page.getByText("E-mail or password is wrong.").waitFor();
    assert.equal(await page.getByLabel("Password").getAttribute("aria-invalid"), "true");
    await checkAll(page);
    await signIn(page, CUSTOMER);
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.tagName === "H1"));
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    await checkAll(page);
  });
});

test("a page goes on after it was loaded anew, until one signs out", async () => {
  await withPage({}, async (page) => {
    await signIn(page, CUSTOMER);
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
    await page.reload();
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
    const { token } = await page.evaluate(() => JSON.parse(sessionStorage.getItem("deed.session")));
    assert.deepEqual(await page.evaluate(() => [Object.keys(sessionStorage), localStorage.length, document.cookie]), [
      ["deed.session"], 0, "",
    ]);
    await Promise.all([
      page.waitForResponse((answer) => answer.url().endsWith("/api/auth/logout")),
      page.getByRole("button", { name: "Sign out" }).click(),
    ]);
    await page.getByLabel("E-mail").waitFor();
    assert.equal(await page.getByText(CUSTOMER[0]).count(), 0);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    const answer = await fetch(`${URL_OF_SERVICE}/api/auth/user`, { headers: { "X-Authorization": `Bearer ${token}` } });
    assert.equal(answer.status, 401);
  });
});

/** Holds the first request of that path until the answer is given: `{asked, answer}`. */
async function held(page, path) {
  let answer;
  const given = new Promise((resolve) => {
    answer = resolve;
  });
  const asked = page.waitForRequest(path);
  await page.route(path, async (route) => route.fulfill(await given), { times: 1 });
  return { asked, answer };
}

test("what comes late for somebody who has left is shown to nobody, and asked for in nobody else's name", async () => {
  for (const late of [{ json: { totalElements: 99 } }, { status: 401, json: {} }]) {
    await withPage({ expected: REFUSED }, async (page, requests) => {
      const { asked, answer } = await held(page, "**/api/user/devices*");
      await signIn(page, CUSTOMER);
      await asked;
      await page.getByRole("button", { name: "Sign out" }).click();
      await signIn(page, TENANT);
      await heading(page, `Devices of ${TENANT[0]}`).waitFor();
      const answered = page.waitForEvent("requestfinished", (request) => request.url().includes("/api/user/devices"));
      answer(late);
      await answered;
      await page.getByRole("button", { name: "Ask" }).click();
      await page.getByText("Asked three times.").waitFor();
      assert.ok(await heading(page, `Devices of ${TENANT[0]}`).isVisible());
      assert.equal(await page.getByText("99 devices").count(), 0);
      assert.equal(requests.filter((path) => path === "/api/user/devices").length, 1 + 1 + 3);
    });
  }
});

test("a page to which a browser goes back is not that of who has signed out", async () => {
  await withPage({}, async (page) => {
    await signIn(page, CUSTOMER);
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
    const goBack = () => page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await page.getByLabel("Note").fill("kept");
    await goBack();
    assert.equal(await page.getByLabel("Note").inputValue(), "kept");
    await page.evaluate(() => sessionStorage.removeItem("deed.session"));
    const loaded = page.waitForEvent("load");
    await goBack();
    await loaded;
    await page.getByText("This page is for customers and administrators.").waitFor();
  });
});

test("a login that was over before the page was opened leads to the form, and from there to the page", async () => {
  await withPage({ expected: REFUSED }, async (page) => {
    await signIn(page, CUSTOMER);
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
    await page.evaluate(() => {
      const session = JSON.parse(sessionStorage.getItem("deed.session"));
      sessionStorage.setItem("deed.session", JSON.stringify({ ...session, token: "old", refreshToken: "old" }));
    });
    await page.reload();
    await page.getByText("Your login has ended.").waitFor();
    await signIn(page, CUSTOMER);
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
  });
});

test("who may not see a page is told who may", async () => {
  await withPage({ expected: REFUSED }, async (page) => {
    await signIn(page, AUDITOR);
    await page.getByText(`You are signed in as ${AUDITOR[0]}.`).waitFor();
    await check(page);
    await page.getByRole("button", { name: "Sign in as somebody else" }).click();
    await signIn(page, CUSTOMER);
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
  });
});

test("a token that has run out is exchanged once, whoever needs it", async () => {
  await withPage({ expected: REFUSED }, async (page, requests) => {
    await signIn(page, CUSTOMER);
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
    await page.evaluate(() => {
      const session = JSON.parse(sessionStorage.getItem("deed.session"));
      sessionStorage.setItem("deed.session", JSON.stringify({ ...session, token: `${session.token}x` }));
    });
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText("Asked three times.").waitFor();
    assert.equal(requests.filter((path) => path === "/api/auth/token").length, 1);
    assert.equal(requests.filter((path) => path === "/api/user/devices").length, 1 + 3 + 3);
  });
});

test("a login that has ended is followed by the form, and what was shown is kept", async () => {
  await withPage({ expected: REFUSED }, async (page) => {
    await signIn(page, CUSTOMER);
    await page.getByLabel("Note").fill("half a sentence");
    const { token } = await page.evaluate(() => JSON.parse(sessionStorage.getItem("deed.session")));
    await fetch(`${URL_OF_SERVICE}/api/auth/logout`, { method: "POST", headers: { "X-Authorization": `Bearer ${token}` } });
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText("Your login has ended. Sign in to go on.").waitFor();
    await page.getByText("401").waitFor();
    assert.equal(await page.getByLabel("Note").isVisible(), false);
    await check(page);
    await signIn(page, CUSTOMER);
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText("Asked three times.").waitFor();
    assert.equal(await page.getByLabel("Note").inputValue(), "half a sentence");
  });
});

test("what fails is told with its request, and can be tried again", async () => {
  await withPage({ hash: "#fails", expected: REFUSED }, async (page) => {
    await signIn(page, CUSTOMER);
    await page.getByRole("alert").getByText("That did not work.").waitFor();
    assert.match(await page.getByRole("alert").locator("code").innerText(), /^[0-9a-f-]{36}$/);
    await check(page);
    await page.getByRole("button", { name: "Try again" }).click();
    await heading(page, `Devices of ${CUSTOMER[0]}`).waitFor();
  });
});

test("what cannot be taken back is asked for, and Cancel comes first", async () => {
  await withPage({}, async (page) => {
    await signIn(page, CUSTOMER);
    for (const [keys, answer] of [[["Enter"], "false"], [["Escape"], "false"], [["Tab", "Enter"], "true"]]) {
      await page.getByRole("button", { name: "Give back …" }).click();
      await page.getByRole("dialog", { name: "Give it back?" }).waitFor();
      await check(page);
      for (const key of keys) {
        await page.keyboard.press(key);
      }
      await page.getByRole("status").filter({ hasText: answer }).waitFor();
      assert.equal(await page.getByRole("dialog").count(), 0);
    }
  });
});

test("the page on which a password is chosen", async () => {
  await on("/login/createPassword?activateToken=nobodys", { expected: REFUSED }, async (page) => {
    await page.getByLabel("New password").fill("a new password");
    await checkAll(page);
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("This link has been used, or is too old.").waitFor();
    assert.equal(await page.evaluate(() => location.search), "");
    await checkAll(page);
  });
});

test("files are sent compressed, once, and to other origins only where they embed", async () => {
  const ask = (path, headers) => fetch(`${URL_OF_SERVICE}${path}`, { headers: { Origin: "https://shop.example", ...headers } });
  for (const path of ["/", "/web/base.css", "/widget/client.js", "/api/openapi.json"]) {
    const answer = await ask(path, { "Accept-Encoding": "gzip" });
    assert.equal(answer.headers.get("content-encoding"), "gzip", path);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal(answer.headers.get("cache-control"), "no-cache");
    const again = await ask(path, { "Accept-Encoding": "gzip", "If-None-Match": answer.headers.get("etag") });
    assert.equal(again.status, 304, path);
    const open = /^.(api|widget)/.test(path) ? "https://shop.example" : null;
    assert.equal(answer.headers.get("access-control-allow-origin"), open, path);
  }
  const { headers } = await ask("/api/auth/user", {});
  assert.match(headers.get("access-control-expose-headers"), /retry-after,.*deed-labels/);
});
