// The page to which the QR code of a label leads: a customer claims a device, or learns why not and what to do.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { claim, device, isOwned, issue, link, register, secret } from "./devices.mjs";
import { CUSTOMER, CUSTOMER_B, PHONE, TENANT, URL_OF_SERVICE, api, check, checkAll, on, tabbed } from "./support.mjs";

// Refusals are answers with a status, which browsers write on the console.
const REFUSED = { expected: /Failed to load resource: the server responded with a status of 4\d\d/ };

const press = (page) => page.getByRole("button", { name: "Claim", exact: true }).click();

async function signInAs(page, [email, password]) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in and claim" }).click();
}

async function type(page, name, key) {
  await page.getByLabel("Device name").fill(name);
  await page.getByLabel("Secret key").fill(key);
  await press(page);
}

const told = (page, text) => page.getByRole("alert").filter({ hasText: text }).waitFor();

test("by the link of a label, in every window and light", async () => {
  const pump = await device("Pümpe/1 & 2");
  const key = await issue(pump);
  await on(null, { viewport: PHONE }, async (page) => {
    const asked = [];
    page.on("request", (request) => asked.push(`${request.url()} ${request.headers().referer ?? ""}`));
    await page.goto(`${URL_OF_SERVICE}${link(pump, key)}`);
    await page.getByText("This key works for another 59:").or(page.getByText("another 1 hour")).first().waitFor();
    assert.equal(new URL(page.url()).hash, "", "what the link says stays in the address");
    assert.ok(await page.getByText(pump.name, { exact: true }).isVisible());
    assert.ok(await page.getByText(key.key).isVisible());
    await checkAll(page);
    await press(page);
    await page.getByText(`Sign in to claim ${pump.name}.`).waitFor();
    assert.equal(await page.locator("[aria-current=step]").textContent(), "Sign in");
    await checkAll(page);
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    assert.ok(await page.getByText(pump.name, { exact: true }).isVisible());
    assert.equal(await page.locator("[aria-current=step]").textContent(), "It is yours");
    assert.equal(await page.getByRole("link", { name: "See my devices" }).getAttribute("href"), "devices");
    await checkAll(page);
    assert.ok(await isOwned(pump));
    const secrets = [key.key, encodeURIComponent(key.key)];
    assert.deepEqual(asked.filter((line) => secrets.some((text) => line.includes(text))), []);
    assert.equal(await page.evaluate(() => sessionStorage.getItem("deed.claim")), null);
  });
});

test("a reload keeps what was scanned; a second link in the same tab counts instead", async () => {
  const [first, second] = [await device(), await device()];
  const keys = [await issue(first), await issue(second)];
  await on(link(first, keys[0]), {}, async (page) => {
    await page.getByText(first.name, { exact: true }).waitFor();
    await page.reload();
    await page.getByText(first.name, { exact: true }).waitFor();
    await page.evaluate((hash) => location.assign(hash), link(second, keys[1]).replace("/claim", ""));
    await page.getByText(second.name, { exact: true }).waitFor();
    assert.equal(await page.getByText(first.name, { exact: true }).count(), 0);
    assert.equal(new URL(page.url()).hash, "");
    await press(page);
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    assert.deepEqual([await isOwned(first), await isOwned(second)], [false, true]);
  });
});

test("what was scanned is forgotten when it is the wrong device, and when somebody signs out", async () => {
  const pump = await device();
  const key = await issue(pump);
  await on(link(pump, key), REFUSED, async (page) => {
    const kept = () => page.evaluate(() => sessionStorage.getItem("deed.claim"));
    await page.getByRole("button", { name: "Not this device?" }).click();
    assert.equal(await kept(), null);
    assert.equal(await page.getByLabel("Device name").inputValue(), "");
    await page.evaluate((hash) => location.assign(hash), link(await device(), key).replace("/claim", ""));
    await press(page);
    await page.getByLabel("E-mail").fill(TENANT[0]);
    await page.getByLabel("Password", { exact: true }).fill(TENANT[1]);
    await page.getByRole("button", { name: "Back" }).click();
    assert.notEqual(await kept(), null);
    await press(page);
    assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "");
    await signInAs(page, TENANT);
    await told(page, "This account cannot claim devices.");
    assert.notEqual(await kept(), null);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Device name").waitFor();
    assert.equal(await page.getByLabel("Device name").inputValue(), "");
    assert.equal(await page.getByLabel("Secret key").inputValue(), "");
    assert.equal(await kept(), null);
  });
});

test("what was scanned is forgotten, too, when somebody signs out on another page", async () => {
  const pump = await device();
  await on(link(pump, await issue(pump)), { as: CUSTOMER }, async (page) => {
    await page.getByText(pump.name, { exact: true }).waitFor();
    await page.goto(`${URL_OF_SERVICE}/devices`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("E-mail").waitFor();
    assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage).filter((name) => name.startsWith("deed."))), []);
  });
});

test("where the browser keeps nothing, one claims all the same", async () => {
  const pump = await device();
  const key = await issue(pump);
  await on(null, {}, async (page) => {
    await page.addInitScript(() => Object.defineProperty(window, "sessionStorage", {
      get() {
        throw new DOMException("Not here.", "SecurityError");
      },
    }));
    await page.goto(`${URL_OF_SERVICE}${link(pump, key)}`);
    await press(page);
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Device name").waitFor();
  });
});

test("a name that browsers cannot ask for is said to be one", async () => {
  await on("/claim", { as: CUSTOMER }, async (page) => {
    const asked = [];
    page.on("request", (request) => request.method() === "POST" && asked.push(request.url()));
    for (const name of [".", ".."]) {
      await type(page, name, secret("any"));
      await told(page, "A device of this name cannot be claimed in a browser.");
    }
    assert.deepEqual(asked, []);
  });
});

test("by the label that the tenant printed, read by an independent reader", async () => {
  const pump = await device("Ventil ü 7");
  const { data } = await api(null, "POST", "api/auth/login", { username: TENANT[0], password: TENANT[1] });
  const headers = { "X-Authorization": `Bearer ${data.token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ format: "png", deviceIds: [pump.id] });
  const label = await fetch(`${URL_OF_SERVICE}/api/devices/labels`, { method: "POST", headers, body });
  assert.equal(label.status, 200);
  const folder = mkdtempSync(join(tmpdir(), "deed-label-"));
  writeFileSync(join(folder, "label.png"), Buffer.from(await label.arrayBuffer()));
  const said = execFileSync("zbarimg", ["-q", "--raw", join(folder, "label.png")], { encoding: "utf8" }).trim();
  rmSync(folder, { recursive: true });
  assert.ok(said.startsWith(`${URL_OF_SERVICE}/claim#n=`));
  await on(null, { viewport: PHONE }, async (page) => {
    await page.goto(said);
    await page.getByText(pump.name, { exact: true }).waitFor();
    await page.getByText(/This key works for another 36[45] days/).first().waitFor();
    await press(page);
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
  assert.ok(await isOwned(pump));
});

test("a made key may be typed in any case, with other blanks, and with look-alikes", async () => {
  const typed = [
    (key) => key.toLowerCase().replaceAll("-", " "),
    (key) => `  ${key.replaceAll("-", "")} `,
    // One of these letters is in nearly every key; where none is, another key is made.
    (key) => (/[QDC]/.test(key) ? key.replace(/[QDC]/, "O").toLowerCase() : null),
    (key) => (/[LJT7]/.test(key) ? key.replace(/[LJT7]/, "1") : null),
    // As telephones put it.
    (key) => key.replaceAll("-", "–"),
  ];
  await on("/claim", { as: CUSTOMER }, async (page) => {
    for (const spell of typed) {
      const pump = await device();
      let key;
      do {
        ({ key } = await issue(pump));
      } while (spell(key) === null);
      await type(page, ` ${pump.name} `, spell(key));
      await page.getByRole("heading", { name: "The device is yours." }).waitFor();
      assert.ok(await isOwned(pump));
      await page.getByRole("button", { name: "Claim another device" }).click();
    }
  });
});

test("what is not in groups of four may be somebody's own key: look-alikes are put right when it was refused", async () => {
  const pump = await device();
  let key;
  do {
    ({ key } = await issue(pump));
  } while (!/[QDC]/.test(key));
  await on("/claim", { ...REFUSED, as: CUSTOMER }, async (page) => {
    await type(page, pump.name, key.replace(/[QDC]/, "0").replaceAll("-", ""));
    await told(page, "This key does not fit this device.");
    await page.getByText(`It may be ${key}`).waitFor();
    await check(page);
    await press(page);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
  assert.ok(await isOwned(pump));
});

test("a label whose key has run out leads to the next key, and another one is not mixed up with it", async () => {
  const [old, other] = [await device(), await device()];
  await register(old, secret("old"), 1);
  await issue(other, { key: secret("other") });
  await on("/claim", { ...REFUSED, as: CUSTOMER }, async (page) => {
    await page.goto(`${URL_OF_SERVICE}${link(old, { key: secret("old") })}`);
    await press(page);
    await told(page, "This key has run out.");
    assert.equal(await page.getByLabel("Device name").inputValue(), old.name);
    const { key } = await issue(old);
    // While the service is asked, the label of another device is opened.
    let answer;
    const held = new Promise((resolve) => {
      answer = resolve;
    });
    await page.route("**/claim", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByLabel("Secret key").fill(key);
    await press(page);
    await page.evaluate((hash) => {
      location.hash = hash;
    }, link(other, { key: secret("other") }).split("#")[1]);
    await page.getByText(other.name, { exact: true }).waitFor();
    const answered = page.waitForResponse("**/claim");
    answer();
    assert.equal((await answered).status(), 200);
    await page.reload();
    await page.getByText(other.name, { exact: true }).waitFor();
    await press(page);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
  assert.ok(await isOwned(old));
  assert.ok(await isOwned(other));
});

test("who cannot own devices is told so before", async () => {
  const notice = "This account cannot own devices.";
  await on("/claim", { as: TENANT }, (page) => page.getByText(notice).waitFor());
  await on("/claim", { as: CUSTOMER }, async (page) => {
    await page.getByRole("button", { name: "Sign out" }).first().waitFor();
    assert.equal(await page.getByText(notice).isVisible(), false);
  });
});

test("a slip in a made key is noticed before it is sent", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  const slipped = key.slice(0, -1) + (key.endsWith("8") ? "B" : "8");
  await on("/claim", REFUSED, async (page) => {
    let sent = 0;
    page.on("request", (request) => (sent += request.method() === "POST" && request.url().endsWith("/claim") ? 1 : 0));
    await type(page, pump.name, slipped);
    await page.getByText("This is almost a key").waitFor();
    assert.equal(await page.getByLabel("Secret key").getAttribute("aria-invalid"), "true");
    assert.ok(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.id === "key"));
    await check(page);
    assert.equal(sent, 0);
    // It may be somebody's own key after all.
    await press(page);
    await signInAs(page, CUSTOMER);
    await told(page, "This key does not fit this device.");
    assert.equal(sent, 1);
  });
});

test("a key of one's own that looks like a made one is sent as typed in the end", async () => {
  const pump = await device();
  // With O for Q it would be a made key: that one is not issued here, but what was typed.
  let made;
  do {
    made = (await issue(await device())).key;
  } while (!/[QDC]/.test(made));
  const own = made.replace(/[QDC]/, "O");
  await issue(pump, { key: own });
  await on("/claim", REFUSED, async (page) => {
    await type(page, pump.name, own);
    await signInAs(page, CUSTOMER);
    await told(page, "This key does not fit this device.");
    await page.getByText("exactly as you typed it").waitFor();
    await press(page);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
});

test("every refusal says why, and what to do next", async () => {
  const [wrong, expired, taken] = [await device(), await device(), await device()];
  await issue(wrong);
  await register(expired, secret("expired"), 1);
  await issue(taken, { key: secret("taken") });
  await claim(taken, secret("taken"), CUSTOMER_B);
  await on("/claim", { ...REFUSED, viewport: PHONE }, async (page) => {
    await type(page, wrong.name, secret("wrong"));
    await signInAs(page, CUSTOMER);
    const cases = [
      [wrong.name, secret("wrong"), "This key does not fit this device.", "ask the seller for a new key"],
      [expired.name, secret("expired"), "This key has run out.", "Let the device show a new one"],
      [taken.name, secret("taken 2"), "This device has an owner already.", "the owner has to give it back"],
      ["No such pump", secret("any"), "There is no device of this name.", "capitals, blanks and hyphens count"],
    ];
    for (const [name, key, why, next] of cases) {
      await type(page, name, key);
      await told(page, why);
      await told(page, next);
      // What has run out makes place for the next one.
      const kept = name === expired.name ? "" : key;
      assert.deepEqual([await page.getByLabel("Device name").inputValue(), await page.getByLabel("Secret key").inputValue()], [name, kept]);
      assert.equal(await page.getByRole("link", { name: "See my devices" }).count(), name === taken.name ? 1 : 0);
      await check(page);
    }
    assert.equal(await page.getByLabel("Device name").getAttribute("aria-invalid"), "true");
  });
});

test("after five wrong keys one has to wait, and sees how long", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  await on("/claim", { ...REFUSED, fresh: true }, async (page) => {
    await page.clock.install();
    await type(page, pump.name, secret(0));
    await signInAs(page, CUSTOMER);
    for (let i = 1; i < 5; i += 1) {
      await told(page, "This key does not fit this device.");
      await type(page, pump.name, secret(i));
    }
    await told(page, "This key does not fit this device.");
    await type(page, pump.name, secret(5));
    await told(page, "Too many wrong keys.");
    const button = page.getByRole("button", { name: "Claim", exact: true });
    assert.equal(await button.getAttribute("aria-disabled"), "true");
    const left = async () => Number(/(\d+) seconds/.exec(await page.getByText("Possible again in").textContent())?.[1] ?? 60);
    const before = await left();
    await page.clock.runFor(10_000);
    assert.ok((await left()) <= before - 9, "the countdown stands still");
    await check(page);
    await page.clock.runFor(60_000);
    assert.equal(await button.getAttribute("aria-disabled"), null);
    assert.equal(await page.getByText("Possible again in").count(), 0);
  });
  assert.equal((await claim(pump, key)).status, 429);
  assert.equal((await claim(pump, key, CUSTOMER_B)).status, 200);
});

test("how long the key works is counted down, and told when it has run out", async () => {
  await on(null, { fresh: true }, async (page) => {
    await page.clock.install({ time: new Date("2026-11-30T11:00:00Z") });
    await page.clock.pauseAt(new Date("2026-11-30T12:00:00Z"));
    const expires = Date.parse("2026-11-30T12:01:30Z");
    await page.goto(`${URL_OF_SERVICE}${link({ name: "D-1" }, { key: "K", expires })}`);
    await page.getByText("This key works for another 1:30.").first().waitFor();
    await page.clock.runFor(10_000);
    await page.getByText("This key works for another 1:20.").waitFor();
    const aloud = page.locator("[role=status].unseen");
    assert.equal(await aloud.textContent(), "This key works for another 1:30.");
    await page.clock.runFor(20_000);
    assert.match(await aloud.textContent(), /another (1:00|60 seconds|59 seconds)/);
    await page.clock.runFor(70_000);
    await page.getByText(/By its label, this key ran out on 30 November 2026 at/).first().waitFor();
    await page.clock.resume();
    await check(page);
  });
});

test("an administrator is told to come as a customer, and can", async () => {
  const pump = await device();
  await on(link(pump, await issue(pump)), REFUSED, async (page) => {
    await press(page);
    await signInAs(page, TENANT);
    await told(page, "This account cannot claim devices.");
    await check(page);
    await page.getByRole("button", { name: "Sign in as somebody else" }).click();
    await page.getByText(`Sign in to claim ${pump.name}.`).waitFor();
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
});

test("a wrong password, a forgotten one, and fields that are left empty", async () => {
  await on("/claim", REFUSED, async (page) => {
    await press(page);
    await page.getByText("Please enter the name of the device.").waitFor();
    await page.getByText("Please enter the secret key.").waitFor();
    await check(page);
    await type(page, "D-1", secret("any"));
    await page.getByRole("button", { name: "Sign in and claim" }).click();
    await page.getByText("Please enter your e-mail address.").waitFor();
    await signInAs(page, [CUSTOMER[0], "wrong"]);
    await told(page, "E-mail or password is wrong.");
    await page.getByRole("button", { name: "Forgot your password?" }).click();
    await page.getByText("an e-mail with a link is on its way").waitFor();
    await check(page);
    await page.getByRole("button", { name: "Back" }).click();
    assert.equal(await page.getByLabel("Device name").inputValue(), "D-1");
  });
});

test("a service that does not answer takes nothing from what was entered", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  await on("/claim", { expected: /net::ERR|status of 503/ }, async (page) => {
    await type(page, pump.name, key);
    await signInAs(page, CUSTOMER);
    await page.getByRole("button", { name: "Claim another device" }).waitFor();
  });
  const other = await device();
  const { key: otherKey } = await issue(other);
  await on("/claim", { expected: /net::ERR|status of 503/ }, async (page) => {
    let answer = (route) => route.abort();
    await page.route("**/api/customer/device/**", (route) => answer(route));
    await type(page, other.name, otherKey);
    await signInAs(page, CUSTOMER);
    await told(page, "The service cannot be reached.");
    answer = (route) => route.fulfill({ status: 503, contentType: "application/problem+json", headers: { "X-Request-Id": "r-1" }, body: '{"code":"store_unavailable","detail":"x"}' });
    await press(page);
    await told(page, "Request r-1");
    await check(page);
    answer = (route) => route.continue();
    assert.equal(await page.getByLabel("Secret key").inputValue(), otherKey);
    await press(page);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
});

test("a token that ran out is renewed without a word; a login that ended asks once more", async () => {
  const pumps = [await device(), await device()];
  const keys = [await issue(pumps[0]), await issue(pumps[1])];
  await on(link(pumps[0], keys[0]), REFUSED, async (page) => {
    await press(page);
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    const spoil = (members) => page.evaluate((spoilt) => {
      const session = JSON.parse(sessionStorage.getItem("deed.session"));
      sessionStorage.setItem("deed.session", JSON.stringify({ ...session, ...spoilt }));
    }, members);
    await spoil({ token: "old" });
    await page.evaluate((hash) => location.assign(hash), link(pumps[1], keys[1]).replace("/claim", ""));
    await press(page);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    await spoil({ token: "old", refreshToken: "old" });
    const third = await device();
    await page.evaluate((hash) => location.assign(hash), link(third, await issue(third)).replace("/claim", ""));
    await press(page);
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    assert.ok(await isOwned(third));
  });
});

test("from the first key to the last by keyboard alone", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  await on("/claim", {}, async (page) => {
    await page.getByLabel("Device name").waitFor();
    const names = await tabbed(page);
    assert.deepEqual(names.slice(0, 5), ["Skip to the content", "deed", "Claim", "API", "Sign in"]);
    assert.deepEqual(names.slice(5, 10), ["Scan the QR code", "Use a photo of it", "Device name", "Secret key", "Claim"]);
    await page.evaluate(() => document.activeElement.blur());
    for (let i = 0; i <= names.indexOf("Device name"); i += 1) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.type(pump.name);
    await page.keyboard.press("Tab");
    await page.keyboard.type(key);
    await page.keyboard.press("Enter");
    await page.getByLabel("E-mail").waitFor();
    await page.keyboard.type(CUSTOMER[0]);
    await page.keyboard.press("Tab");
    await page.keyboard.type(CUSTOMER[1]);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.textContent), "The device is yours.");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByLabel("Device name").waitFor();
  });
});

test("it is readable before any script has come, and weighs little", async () => {
  await on(null, {}, async (page) => {
    let isReleased = false;
    let show;
    const shown = new Promise((resolve) => {
      show = resolve;
    });
    await page.route("**/*.js", async (route) => {
      await shown;
      isReleased = true;
      await route.continue();
    });
    await page.goto(`${URL_OF_SERVICE}/claim`, { waitUntil: "commit" });
    await page.getByRole("heading", { name: "Claim a device" }).waitFor();
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length === 1);
    assert.equal(isReleased, false);
    show();
    await page.getByLabel("Device name").waitFor();
  });
  await on(null, { fresh: true }, async (page) => {
    const requests = [];
    page.on("requestfinished", (request) => requests.push(request));
    await page.goto(`${URL_OF_SERVICE}/claim`);
    await page.getByLabel("Device name").waitFor();
    await page.waitForLoadState("networkidle");
    const sizes = await Promise.all(requests.map((request) => request.sizes()));
    const bytes = sizes.reduce((sum, { responseBodySize, responseHeadersSize }) => sum + responseBodySize + responseHeadersSize, 0);
    assert.ok(bytes <= 61_440, `the page weighs ${bytes} bytes`);
  });
  await on("/claim", { javaScriptEnabled: false }, async (page) => {
    await page.locator("noscript .notice").waitFor();
    assert.equal(await page.getByText("A moment …").isVisible(), false);
  });
});

test("the key stands in no answer of the audit log, and the API is what it was asked by", async () => {
  const pump = await device();
  await issue(pump, { key: secret("typed") });
  await on("/claim", {}, async (page) => {
    const bodies = [];
    page.on("request", (request) => request.url().includes("/api/customer/device/") && bodies.push(request.postData()));
    await type(page, pump.name, secret("typed"));
    await signInAs(page, CUSTOMER);
    await page.getByRole("heading", { name: "The device is yours." }).waitFor();
    assert.deepEqual(bodies, [JSON.stringify({ secretKey: secret("typed") })]);
    const shadow = await page.evaluate(() => document.querySelector("device-claiming").shadowRoot.textContent);
    assert.ok(!shadow.includes(secret("typed")));
  });
  const { data } = await api(TENANT, "GET", `api/audit/devices/${pump.id}/events`);
  assert.ok(!JSON.stringify(data).includes(secret("typed")));
});
