// A tenant's devices, and a customer's own ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { claim, devices, issue, keysOf, secret } from "./devices.mjs";
import { CUSTOMER, CUSTOMER_B, PHONE, TENANT, URL_OF_SERVICE, api, check, checkAll, on, signIn, tabbed } from "./support.mjs";

const REFUSED = /the server responded with a status of 4\d\d/;
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("button", { name, exact: true }) });

/** Waits until the list has these devices on its page, in this order. */
const lists = (page, names) => page.waitForFunction((expected) =>
  JSON.stringify([...document.querySelectorAll("button.name")].map((button) => button.textContent)) === JSON.stringify(expected), names);

test("the tenant sees how each device stands, and finds it", async () => {
  const [, open, owned, ready] = await devices("Seen closed", "Seen open", "Seen owned", "Seen ready");
  await issue(open);
  await claim(owned, (await issue(owned)).key);
  await api(TENANT, "POST", `api/plugins/telemetry/DEVICE/${ready.id}/SERVER_SCOPE`, { claimingAllowed: true });
  await on("/devices", { as: TENANT }, async (page) => {
    await page.getByLabel("Search devices").fill("seen");
    await page.getByText("4 devices", { exact: true }).waitFor();
    for (const [name, state, ...more] of [
      ["Seen closed", "Closed"], ["Seen open", "Open", "in 60 minutes"], ["Seen owned", "Owned", "Customer A"], ["Seen ready", "Ready"],
    ]) {
      const text = await row(page, name).innerText();
      assert.ok([state, ...more].every((word) => text.includes(word)), text);
    }
    await checkAll(page);
    // A word in a row at which one points is still seen to be a badge.
    await row(page, "Seen closed").hover();
    const colours = await row(page, "Seen closed").evaluate((line) =>
      [line, line.querySelector(".badge")].map((element) => getComputedStyle(element).backgroundColor));
    assert.notEqual(...colours);
    for (const [choice, expected] of [["Owned", ["Seen owned"]], ["Open: has a key", ["Seen open"]],
      ["Not owned", ["Seen closed", "Seen open", "Seen ready"]]]) {
      await page.getByLabel("State", { exact: true }).selectOption(choice);
      await lists(page, expected);
    }
    // Where one is in the list is still known when one comes back.
    await page.reload();
    await page.getByText("3 devices", { exact: true }).waitFor();
    assert.equal(await page.getByLabel("Search devices").inputValue(), "seen");
    await page.getByLabel("Search devices").fill("nowhere");
    await page.getByText("No devices fit this search.").waitFor();
    await checkAll(page);
    await page.getByRole("button", { name: "Show all devices" }).click();
    await page.locator("button.name").first().waitFor();
    assert.equal(await page.evaluate(() => location.hash), "");
  });
});

test("a long list is turned over and sorted", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `P-${String(i + 1).padStart(2, "0")},page${i % 2}\n`).join("");
  const mapping = { columns: [{ type: "NAME" }, { type: "TYPE" }], delimiter: ",", update: true, header: false };
  await api(TENANT, "POST", "api/device/bulk_import", { file: rows, mapping });
  await on("/devices#textSearch=P-", { as: TENANT }, async (page) => {
    const shown = () => page.locator("button.name").allInnerTexts();
    await page.getByText("Page 1 of 3").waitFor();
    assert.deepEqual([(await shown())[0], (await shown()).length], ["P-01", 25]);
    await page.getByLabel("Choose P-02").check();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("Page 2 of 3").waitFor();
    await page.getByLabel("Choose all on this page").check();
    await page.getByText("26 chosen").waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "Next" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Page 3 of 3").waitFor();
    assert.equal((await shown()).length, 10);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Previous");
    await page.getByRole("button", { name: "Name" }).click();
    await page.getByText("Page 1 of 3").waitFor();
    assert.equal((await shown())[0], "P-60");
    assert.equal(await page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort"), "descending");
    await page.getByRole("button", { name: "Type" }).click();
    await page.getByRole("columnheader", { name: "Type", exact: true }).and(page.locator("[aria-sort=ascending]")).waitFor();
    await page.getByRole("button", { name: "Choose none" }).click();
    assert.equal(await page.getByText("26 chosen").isVisible(), false);
  });
});

test("claiming is allowed and disallowed, for one device and for several", async () => {
  const pumps = await devices("Allow 1", "Allow 2");
  const allowed = async ({ id }) => {
    const { data } = await api(TENANT, "GET", `api/plugins/telemetry/DEVICE/${id}/values/attributes/SERVER_SCOPE`);
    return data.find(({ key }) => key === "claimingAllowed")?.value;
  };
  await on("/devices#textSearch=Allow", { as: TENANT }, async (page) => {
    await page.getByLabel("Choose all on this page").check();
    await page.getByRole("button", { name: "Allow claiming", exact: true }).click();
    await page.getByText("Claiming is allowed for 2 devices.").waitFor();
    assert.deepEqual(await Promise.all(pumps.map(allowed)), [true, true]);
    await row(page, "Allow 1").getByText("Ready").waitFor();
    await page.getByRole("button", { name: "Allow 1", exact: true }).click();
    const toggle = page.getByRole("dialog", { name: "Allow 1" }).getByRole("switch", { name: "Allow claiming" });
    assert.equal(await toggle.isChecked(), true);
    await toggle.press("Space");
    await page.getByText("The device may not register a key.").waitFor();
    assert.equal(await allowed(pumps[0]), false);
    await page.keyboard.press("Escape");
    await row(page, "Allow 1").getByText("Closed").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Allow 1");
  });
});

test("the longest name without a blank makes nothing wider than the window", async () => {
  const name = "W".repeat(255);
  const [{ id }] = await devices(name);
  await on("/devices#textSearch=WWWW", { as: TENANT, viewport: PHONE }, async (page) => {
    await page.getByRole("button", { name, exact: true }).click();
    const dialog = page.getByRole("dialog", { name });
    await dialog.getByRole("button", { name: "Close" }).waitFor();
    await check(page);
    assert.deepEqual(await dialog.evaluate(({ scrollWidth, clientWidth, scrollLeft }) => [scrollWidth - clientWidth, scrollLeft]), [0, 0]);
    await dialog.getByRole("link", { name: "Its history" }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await check(page);
    assert.ok(page.url().includes(id));
  });
});

test("a key is made and shown this once, claims, and another one is revoked", async () => {
  const [pump] = await devices("Keyed");
  await issue(pump, { key: secret("keyed") });
  await on("/devices#textSearch=Keyed", { as: TENANT }, async (page) => {
    await page.getByRole("button", { name: "Keyed", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Keyed" });
    await dialog.getByText("Made by an administrator").first().waitFor();
    await checkAll(page);
    await dialog.getByLabel("New key, good for").selectOption("7 days");
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith("/claim-keys") && response.request().method() === "POST"),
      dialog.getByRole("button", { name: "Make a key" }).click(),
    ]);
    const { secretKey, issuedAt, expirationTime } = await answer.json();
    assert.equal(expirationTime - issuedAt, 7 * 86_400_000);
    await dialog.getByText(secretKey).waitFor();
    await checkAll(page);
    // It is not left by mistake.
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Is the key noted?" }).getByRole("button", { name: "Cancel" }).click();
    await dialog.getByRole("button", { name: "I have noted it" }).click();
    assert.equal(await page.getByText(secretKey).count(), 0);
    await dialog.getByRole("button", { name: "Close" }).click();
    assert.ok(!(await page.content()).includes(secretKey));
  });
  const before = await keysOf(pump);
  await on("/devices#textSearch=Keyed", { as: TENANT, permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    await page.getByRole("button", { name: "Keyed", exact: true }).click();
    const revoke = page.getByRole("button", { name: "Revoke the key: Made by an administrator" });
    await revoke.first().click();
    await page.getByRole("dialog", { name: "Revoke this key?" }).getByRole("button", { name: "Revoke", exact: true }).click();
    await page.waitForFunction((count) => document.querySelectorAll(".keys li").length === count, before.length - 1);
    assert.deepEqual((await keysOf(pump)).map(({ keyId }) => keyId), before.slice(1).map(({ keyId }) => keyId));
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByText("Copied.").waitFor();
    const key = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal((await claim(pump, key)).status, 200);
  });
  assert.equal((await claim(pump, secret("keyed"))).data.code, "already_claimed");
});

test("a new key is not lost by Escape, however often", async () => {
  await devices("Escaped");
  await on("/devices#textSearch=Escaped", { as: TENANT }, async (page) => {
    await page.getByRole("button", { name: "Escaped", exact: true }).click();
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("It is shown this once").waitFor();
    for (let i = 0; i < 3; i += 1) {
      await page.keyboard.press("Escape");
      await page.getByRole("dialog", { name: "Is the key noted?" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog", { name: "Is the key noted?" }).waitFor({ state: "detached" });
      assert.ok(await page.getByText("It is shown this once").isVisible());
    }
  });
});

test("where all devices may register keys, the switch says that it changes nothing", async () => {
  await devices("By default");
  await on(null, { as: TENANT }, async (page) => {
    await page.route("**/api/devices/claiming?*", async (route) => {
      const answer = await route.fetch();
      const { data, ...rest } = await answer.json();
      await route.fulfill({ response: answer, json: { ...rest, data: data.map((row) => ({ ...row, claimingAllowedByDefault: true })) } });
    });
    await page.goto(`${URL_OF_SERVICE}/devices#textSearch=By default`);
    await page.getByLabel("Choose By default").check();
    await page.getByRole("button", { name: "Disallow claiming" }).click();
    await page.getByText("all devices may register keys all the same").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Disallow claiming");
    await page.getByRole("button", { name: "By default", exact: true }).click();
    const toggle = page.getByRole("switch", { name: "Allow claiming" });
    assert.equal(await toggle.isChecked(), false);
    await page.getByText("all devices may register keys of their own").waitFor();
  });
});

test("a key that works for longer than there are dates is in the list", async () => {
  const [pump] = await devices("Eternal");
  await issue(pump);
  await on(null, { as: TENANT }, async (page) => {
    await page.route("**/claim-keys", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: (await answer.json()).map((key) => ({ ...key, expirationTime: Number.MAX_SAFE_INTEGER })) });
    });
    await page.goto(`${URL_OF_SERVICE}/devices#textSearch=Eternal`);
    await page.getByRole("button", { name: "Eternal", exact: true }).click();
    await page.getByText("Made by an administrator").waitFor();
  });
});

test("an owned device gets no key, and is taken back", async () => {
  const [pump] = await devices("Taken");
  await claim(pump, (await issue(pump)).key);
  await on("/devices#textSearch=Taken", { as: TENANT }, async (page) => {
    await page.getByRole("button", { name: "Taken", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Taken" });
    await dialog.getByText("A key is for a device that nobody owns.").waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Make a key" }).count(), 0);
    assert.equal(await dialog.getByRole("link", { name: "Its history" }).getAttribute("href"), `device#${pump.id}`);
    await check(page);
    await dialog.getByRole("button", { name: "Take it back …" }).click();
    await page.getByText("Customer A does not own it any longer.").waitFor();
    await page.getByRole("button", { name: "Take it back", exact: true }).click();
    await page.getByText("Taken has no owner any longer.").waitFor();
    await row(page, "Taken").getByText("Ready").waitFor();
  });
});

test("a page that fails to load again says so, and tries again", async () => {
  await on("/devices", { as: TENANT, expected: /status of 503/ }, async (page) => {
    await page.locator("button.name").first().waitFor();
    await page.route("**/api/devices/claiming*", (route) => route.fulfill({ status: 503, json: { detail: "Away." } }), { times: 1 });
    await page.getByLabel("Search devices").fill("Demo");
    await page.getByRole("alert").getByText("Away.").waitFor();
    await check(page);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("5 devices", { exact: true }).waitFor();
  });
});

test("a login that ends while a device is open leads to the form", async () => {
  await devices("Ended");
  await on("/devices#textSearch=Ended", { as: TENANT, expected: REFUSED }, async (page) => {
    await page.getByRole("button", { name: "Ended", exact: true }).click();
    await page.getByText("None. It cannot be claimed now.").waitFor();
    const { token } = await page.evaluate(() => JSON.parse(sessionStorage.getItem("deed.session")));
    await fetch(`${URL_OF_SERVICE}/api/auth/logout`, { method: "POST", headers: { "X-Authorization": `Bearer ${token}` } });
    await page.getByRole("switch", { name: "Allow claiming" }).press("Space");
    await page.getByText("Your login has ended. Sign in to go on.").waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);
    await signIn(page, TENANT);
    await page.getByRole("button", { name: "Ended", exact: true }).waitFor();
  });
});

test("a customer sees its own devices, and gives one back", async () => {
  const pumps = await devices("Mine 1", "Mine 2");
  for (const pump of pumps) {
    await claim(pump, (await issue(pump)).key);
  }
  await on("/devices", { as: CUSTOMER }, async (page) => {
    await page.getByLabel("Search devices").fill("mine");
    await page.getByText("2 devices", { exact: true }).waitFor();
    await checkAll(page);
    await page.getByRole("button", { name: "Give back … Mine 1" }).click();
    await page.getByRole("dialog", { name: "Give Mine 1 back?" }).getByText("A new key is needed to claim it again.").waitFor();
    await checkAll(page);
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await page.getByRole("dialog").count(), 0);
  });
  await on("/devices", { as: CUSTOMER }, async (page) => {
    await page.getByRole("button", { name: "Give back … Mine 1" }).focus();
    for (const key of ["Enter", "Tab", "Enter"]) {
      await page.keyboard.press(key);
    }
    await page.getByText("Mine 1 is no longer yours.").waitFor();
    await page.getByRole("button", { name: "Give back … Mine 1" }).waitFor({ state: "detached" });
    assert.ok(await page.evaluate(() => document.activeElement.tagName === "H1"));
    const names = await tabbed(page);
    assert.ok(names.includes("Claim a device") && names.some((name) => name.startsWith("Give back … Mine 2")), names.join());
  });
  const { data } = await api(TENANT, "GET", `api/device/${pumps[0].id}`);
  assert.equal(data.customerId.id, "13814000-1dd2-11b2-8080-808080808080");
});

test("who has no devices is told how to get one", async () => {
  await on("/devices", { as: CUSTOMER_B }, async (page) => {
    await page.getByText("You have no devices yet.").waitFor();
    await check(page);
  });
});

test("the tenant's devices by keyboard", async () => {
  await devices("Keyboard 1");
  await on("/devices#textSearch=Keyboard", { as: TENANT }, async (page) => {
    await page.getByLabel("Choose Keyboard 1").waitFor();
    const names = await tabbed(page);
    assert.ok(["Search devices", "Choose all on this page", "Name", "Choose Keyboard 1", "Keyboard 1", "What the states mean"]
      .every((name) => names.includes(name)), names.join());
    await page.getByRole("button", { name: "Keyboard 1" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Keyboard 1" }).getByText("None. It cannot be claimed now.").waitFor();
    for (const expected of ["Allow claiming", "New key, good for", "Make a key"]) {
      await page.keyboard.press("Tab");
      const name = await page.evaluate(() => (document.activeElement.labels?.[0] ?? document.activeElement).textContent);
      assert.equal(name, expected);
    }
    await page.keyboard.press("Enter");
    await page.getByText("It is shown this once").waitFor();
  });
});
