// What auditors and administrators see: a device's life, with its state at any time, and the log as it goes on.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { test } from "node:test";
import {
  AUDITOR, CUSTOMER, CUSTOMER_B, MARK, TENANT, PHONE, URL_OF_SERVICE, api, check, checkAll, on, signIn, tabbed,
} from "./support.mjs";

const REFUSED = /the server responded with a status of 4\d\d/;
const NOBODYS = "00000000-0000-7000-8000-000000000000";
const slider = (page) => page.getByRole("slider", { name: "After which event" });
const events = (page) => page.getByRole("log").getByRole("listitem");

async function told(person, method, path, body) {
  const { status, data } = await api(person, method, path, body);
  assert.ok(status < 300, `${status} from ${path}: ${JSON.stringify(data)}`);
  return data;
}

async function registered(name) {
  return (await told(TENANT, "POST", "api/device", { name, type: "thermostat", label: "Cellar" })).id.id;
}

/** A device that went through much, refusals included. */
async function lived(name) {
  const id = await registered(name);
  const claim = (person, secretKey) => api(person, "POST", `api/customer/device/${name}/claim`, { secretKey });
  const allow = (claimingAllowed) => told(TENANT, "POST", `api/plugins/telemetry/DEVICE/${id}/SERVER_SCOPE`, { claimingAllowed });
  await allow(true);
  const { secretKey } = await told(TENANT, "POST", `api/devices/${id}/claim-keys`, { durationMs: 31_536_000_000 });
  await told(TENANT, "POST", `api/devices/${id}/claim-keys`, { secretKey: `${MARK}-2` });
  assert.equal((await claim(CUSTOMER_B, `${MARK}-wrong`)).status, 400);
  assert.equal((await claim(CUSTOMER, secretKey)).status, 200);
  assert.equal((await claim(CUSTOMER_B, secretKey)).status, 400);
  await told(CUSTOMER, "DELETE", `api/customer/device/${name}/claim`);
  await allow(false);
  return id;
}

const recorded = (id) => told(AUDITOR, "GET", `api/audit/devices/${id}/events?limit=1000`);

/** Opens it as the auditor sees it. */
async function looking(path, options, work) {
  await on(path, { as: AUDITOR, ...options }, work);
}

// First, as long as the log is short: all of it is shown, and looked at by axe.
test("what happens is shown within two seconds, with its names, and leads to the device", async () => {
  await looking("/feed", { viewport: PHONE }, async (page) => {
    await page.getByRole("status").getByText("Live").waitFor();
    await events(page).first().waitFor();
    const name = "Live-1";
    const begun = Date.now();
    const id = await lived(name);
    await events(page).filter({ hasText: name }).first().waitFor();
    assert.ok(Date.now() - begun < 2_000 + 1_000, `${Date.now() - begun} ms`);
    await page.getByText(/\d+ new events/).waitFor();
    const refusal = events(page).filter({ hasText: name }).filter({ hasText: "Claim refused" }).last();
    await refusal.getByText("Customer B tried to claim it: the key was wrong.").waitFor();
    await checkAll(page);
    await page.getByLabel("Show").selectOption("refusals");
    await page.waitForFunction(() => [...document.querySelectorAll(".log li")].every((row) => row.matches(".bad")));
    await refusal.waitFor();
    await checkAll(page);
    await refusal.getByRole("link", { name }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
    const { position } = (await recorded(id)).find(({ eventType }) => eventType === "ClaimRefused");
    assert.equal(await page.evaluate(() => location.hash), `#${id}/${position}`);
  });
});

test("a device is found by its name, or by its id", async () => {
  const id = await registered("Kettle-1");
  await registered("Kettle-2");
  await looking("/device", { expected: REFUSED }, async (page) => {
    const link = (name) => page.getByRole("link", { name, exact: true });
    await link("Demo-1").waitFor();
    await checkAll(page);
    await page.getByLabel("Name, label, type or id").fill("kettle-");
    await page.getByText("2 devices").waitFor();
    await link("Kettle-2").waitFor();
    assert.equal(await link("Demo-1").count(), 0);
    await page.getByLabel("Name, label, type or id").fill("nobody is called that");
    await page.getByText("No device is called that.").waitFor();
    await checkAll(page);
    await page.getByLabel("Name, label, type or id").fill(NOBODYS);
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("That did not work.").waitFor();
    await checkAll(page);
    await page.goBack();
    await page.getByLabel("Name, label, type or id").fill(id.toUpperCase());
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Kettle-1" }).and(page.locator(":focus")).waitFor();
    assert.equal(await page.evaluate(() => scrollY), 0);
  });
});

test("a list of many devices is turned over by keyboard", async () => {
  await Promise.all(Array.from({ length: 30 }, (_, i) => registered(`Many-${i}`)));
  await looking("/device", {}, async (page) => {
    await page.getByLabel("Name, label, type or id").fill("many-");
    await page.getByText("30 devices").waitFor();
    await page.getByText("Page 1 of 2").waitFor();
    assert.ok((await tabbed(page)).includes("Next"));
    await page.getByRole("button", { name: "Next" }).press("Enter");
    await page.getByText("Page 2 of 2").waitFor();
    assert.equal(await page.getByRole("row").count(), 1 + 5);
    await check(page);
  });
});

/** What the page should say of the device in that state, title by title. */
function expected({ state, device }) {
  return device ? {
    Device: state, Name: device.name, Type: device.type, Label: device.label,
    Owner: device.owner ? "Customer A since" : "nobody but the tenant",
    Claiming: { true: "allowed", false: "disallowed", null: "as it is by default" }[device.claimingAllowed],
    Keys: device.claimKeys.map(({ keyId }) => `…${keyId.slice(-8)}`), Version: String(device.version),
  } : { Device: state === "removed" ? "deleted" : "not registered yet" };
}

test("the slider shows by keyboard how the device was after each event", async () => {
  const id = await lived("Slid");
  const log = await recorded(id);
  await looking(`/device#${id}`, {}, async (page) => {
    await page.getByRole("heading", { level: 1, name: "Slid" }).waitFor();
    await page.getByText("nobody but the tenant").waitFor();
    await slider(page).focus();
    await page.keyboard.press("Home");
    let before = {};
    for (const [n, event] of [[0, null], ...log.map((event, i) => [i + 1, event])]) {
      if (n > 0) {
        await page.keyboard.press("ArrowRight");
      }
      const state = await told(AUDITOR, "GET", `api/audit/devices/${id}/state?position=${event?.position ?? 0}`);
      const words = expected(state);
      await page.waitForFunction(() => !document.querySelector(".state").hasAttribute("aria-busy"));
      const shown = Object.fromEntries(await page.locator(".state dl > dt").evaluateAll((titles) =>
        titles.map((title) => [title.textContent, title.nextElementSibling.textContent])));
      assert.deepEqual(Object.keys(shown), Object.keys(words));
      for (const [title, word] of Object.entries(words)) {
        const parts = Array.isArray(word) ? word : [word];
        assert.ok(parts.every((part) => shown[title].includes(part)), `${title} is ${shown[title]}, not ${word}, after ${n}`);
        if (n > 0) {
          const differs = JSON.stringify(word) !== JSON.stringify(before[title]);
          assert.equal(shown[title].endsWith("changed"), differs, `${title} after ${n}: ${shown[title]}`);
        }
      }
      before = words;
      const text = await slider(page).getAttribute("aria-valuetext");
      assert.ok(text.startsWith(event ? `${n} of ${log.length}, ` : "Before the first"), text);
      assert.equal(await page.locator(".timeline [aria-current]").count(), event ? 1 : 0);
      const at = event && n < log.length ? `#${id}/${event.position}` : `#${id}`;
      assert.equal(await page.evaluate(() => location.hash), at);
      if (event) {
        assert.deepEqual(JSON.parse(await page.locator(".then pre").textContent()), event);
      }
    }
    await check(page);
    await page.keyboard.press("PageUp");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await slider(page).inputValue(), String(log.length - 1));
    await page.locator("#main").focus();
    const names = await tabbed(page);
    const wanted = ["Find another device", "After which event", "Earlier", "Later", "This event as it is recorded"];
    assert.deepEqual(names.filter((name) => wanted.includes(name)), wanted);
  });
});

test("refusals stand in the history, with who and why", async () => {
  const id = await lived("Refusing");
  await looking(`/device#${id}`, { viewport: PHONE }, async (page) => {
    const list = page.getByRole("region", { name: "What happened" }).getByRole("listitem");
    await page.getByText("nobody but the tenant").waitFor();
    const refusal = list.filter({ hasText: "Claim refused" }).first();
    await refusal.getByText("Customer B tried to claim it: the key was wrong.").waitFor();
    await refusal.getByText(`By ${CUSTOMER_B[0]} over REST`).waitFor();
    await list.getByText("Customer B tried to claim it: the device has an owner.").waitFor();
    await list.getByText("Customer A is the owner, by key").waitFor();
    assert.equal(await list.count(), (await recorded(id)).length);
    await checkAll(page);
    // By touch or mouse, the list leads to a state as the slider does.
    await list.filter({ hasText: "Customer A is the owner, by key" }).click();
    await page.locator(".state").getByText("Customer A since").waitFor();
    assert.match(await slider(page).getAttribute("aria-valuetext"), /Claimed: Customer A is the owner/);
    await page.getByRole("button", { name: "Later" }).click();
    await page.getByRole("button", { name: "Earlier" }).click();
    await page.getByText("This event as it is recorded").click();
    await page.getByText('"eventType": "DeviceClaimed"').waitFor();
    await checkAll(page);
  });
});

test("a moment has an address, and what was deleted has a history", async () => {
  const id = await lived("Gone");
  await told(TENANT, "DELETE", `api/device/${id}`);
  const log = await recorded(id);
  const { position } = log.find(({ eventType }) => eventType === "DeviceClaimed");
  await looking(`/device#${id}/${position}`, {}, async (page) => {
    await page.locator(".state").getByText("Customer A since").waitFor();
    await page.getByText("deleted", { exact: true }).waitFor();
    await slider(page).press("End");
    await page.locator(".state").getByText("deleted").waitFor();
    await check(page);
    await page.goto(`${URL_OF_SERVICE}/device#${id}/${log[0].position}`);
    await page.locator(".state").getByText("none").first().waitFor();
    assert.equal(await slider(page).inputValue(), "1");
  });
});

test("a long history is shown in parts", async () => {
  const id = await registered("Long");
  await looking(null, {}, async (page) => {
    await prolonged(page, id, 211);
    await page.goto(`${URL_OF_SERVICE}/device#${id}`);
    await page.getByText("Events 201 to 211 of 211").waitFor();
    await slider(page).press("Home");
    await page.getByText("Events 1 to 200 of 211").waitFor();
    await page.getByText("not registered yet").waitFor();
    await check(page);
  });
});

/** Answers as if the device had that many events, of which the service has one. */
async function prolonged(page, id, most) {
  const [event] = await recorded(id);
  await page.route(`**/api/audit/devices/${id}/events*`, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const [after, limit] = [Number(query.get("after")), Number(query.get("limit"))];
    const made = Array.from({ length: Math.max(0, Math.min(limit, most - after)) }, (_, i) =>
      ({ ...event, position: after + i + 1, sequence: after + i + 1 }));
    return route.fulfill({ json: made });
  });
}

test("a history of more events than are read at once is read on, and as far as the address says", async () => {
  const id = await registered("Longer");
  await looking(null, {}, async (page) => {
    await prolonged(page, id, 12_345);
    await page.goto(`${URL_OF_SERVICE}/device#${id}`);
    await page.getByText("These are the first 10,000 events.").waitFor();
    await slider(page).press("Home");
    await slider(page).press("ArrowRight");
    await page.getByRole("button", { name: "Read on" }).press("Enter");
    await page.getByText("Event 1 of 12345").waitFor();
    assert.equal(await page.getByRole("button", { name: "Read on" }).count(), 0);
    await page.goto("about:blank");
    await page.goto(`${URL_OF_SERVICE}/device#${id}/11002`);
    await page.getByText("Event 11002 of 12000").waitFor();
  });
});

test("of two devices that are asked for, the later one is shown, however late the other comes", async () => {
  const [slow, quick] = [await registered("Slow-1"), await registered("Quick-1")];
  await looking("/device", {}, async (page) => {
    await page.getByLabel("Name, label, type or id").waitFor();
    let come;
    const waited = new Promise((resolve) => {
      come = resolve;
    });
    await page.route(`**/api/audit/devices/${slow}/names`, async (route) => {
      await waited;
      await route.continue();
    });
    await page.evaluate((id) => (location.hash = id), slow);
    await page.evaluate((id) => (location.hash = id), quick);
    await page.getByRole("heading", { level: 1, name: "Quick-1" }).waitFor();
    const answered = page.waitForResponse(`**/api/audit/devices/${slow}/names`);
    come();
    await answered;
    await page.locator(".state").getByText("registered").waitFor();
    assert.ok(await page.getByRole("heading", { level: 1, name: "Quick-1" }).isVisible());
    assert.equal(await page.title(), "Quick-1 · deed");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("E-mail").waitFor();
    assert.equal(await page.title(), "History of a device · deed");
  });
});

test("auditors come to the history from the bar, and by the link to sign in", async () => {
  await looking("/devices", {}, async (page) => {
    await page.waitForURL("**/device");
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "History" }).and(page.locator("[aria-current=page]")).waitFor();
    assert.equal(await page.getByRole("link", { name: "Devices", exact: true }).count(), 0);
  });
});

test("who may see neither is told so", async () => {
  for (const path of ["/device", `/device#${NOBODYS}`, "/feed"]) {
    await on(path, { as: CUSTOMER }, async (page) => {
      await page.getByText("This page is for administrators and auditors.").waitFor();
    });
  }
});

test("it is held while somebody reads, and ends when they sign out", async () => {
  await looking("/feed", {}, async (page) => {
    const live = page.getByRole("status").getByText("Live");
    await live.waitFor();
    await page.getByRole("button", { name: "Pause" }).press("Enter");
    await registered("While paused");
    await page.getByRole("button", { name: "Go on (1 new)" }).waitFor();
    assert.equal(await events(page).filter({ hasText: "While paused" }).count(), 0);
    await page.getByRole("button", { name: "Go on (1 new)" }).press("Enter");
    await events(page).filter({ hasText: "While paused" }).waitFor();
    await page.getByLabel("of", { exact: true }).selectOption("the last week");
    await events(page).filter({ hasText: "While paused" }).waitFor();
    await page.locator("#main").focus();
    const names = await tabbed(page);
    assert.ok(["Find a device", "Pause"].every((name) => names.includes(name)), String(names));

    const ended = page.waitForEvent("requestfailed", (request) => request.url().includes("/api/audit/events"));
    await page.getByRole("button", { name: "Sign out" }).click();
    await ended;
    await page.getByLabel("E-mail").waitFor();
    assert.equal(await page.getByText("While paused").count(), 0);
    await signIn(page, TENANT);
    await live.waitFor();
    await events(page).filter({ hasText: "While paused" }).waitFor();
  });
});

/** A service of this file's own, which can be stopped and started again at the same address. */
async function service() {
  const data = mkdtempSync(`${tmpdir()}/deed-`);
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address();
  await new Promise((resolve) => taken.close(resolve));
  const env = {
    DEED_DATA_DIR: data, HTTP_BIND_ADDRESS: "127.0.0.1", HTTP_BIND_PORT: String(port), MQTT_BIND_PORT: "0", COAP_BIND_PORT: "0",
  };
  let running;
  const start = async () => {
    running = spawn(process.env.DEED_PROGRAM, ["serve", "--demo"], { env, stdio: ["ignore", "pipe", "ignore"] });
    for await (const line of createInterface({ input: running.stdout })) {
      if (line.startsWith("deed is ready")) {
        break;
      }
    }
    running.stdout.resume();
  };
  const stop = async () => {
    const exited = once(running, "exit");
    running.kill("SIGTERM");
    await exited;
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`, start, stop,
    end: async () => {
      await stop();
      rmSync(data, { recursive: true });
    },
  };
}

test("after the service was away, nothing is missing and nothing is there twice", async () => {
  const { url, start, stop, end } = await service();
  const expected = /net::ERR_|the server responded with a status of 5\d\d/;
  await on(null, { origins: [url], expected }, async (page) => {
    let token = null;
    const ask = async (path, body) => {
      const headers = { "Content-Type": "application/json", "X-Authorization": `Bearer ${token}` };
      const answer = await fetch(`${url}/${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
      assert.equal(answer.status, 200);
      return answer.json();
    };
    ({ token } = await ask("api/auth/login", { username: TENANT[0], password: TENANT[1] }));
    const add = (name) => ask("api/device", { name });
    await page.goto(`${url}/feed`);
    await signIn(page, AUDITOR);
    const row = (name) => events(page).filter({ hasText: `Registered as ${name},` });
    await add("Before");
    await row("Before").waitFor();
    await stop();
    await page.getByText("Reconnecting …").waitFor();
    await check(page);
    await start();
    // It happened before the page came back.
    await add("Between");
    await page.getByRole("status").getByText("Live").waitFor();
    await add("After");
    await row("After").waitFor();
    await row("Between").waitFor();
    const links = await events(page).getByRole("link").evaluateAll((all) => all.map(({ href }) => Number(href.split("/").pop())));
    assert.deepEqual(links, links.toSorted((a, b) => b - a));
    assert.equal(new Set(links).size, links.length);
    const log = await ask("api/audit/events?limit=1000");
    assert.deepEqual(links.toReversed(), log.map(({ position }) => position));
  });
  await end();
});

test("a stream may be cut anywhere", async () => {
  await on("/feed", {}, async (page) => {
    const read = (texts) => page.evaluate(async (texts) => {
      const { messages } = await import(new URL("web/events.js", location.href));
      const told = [];
      for await (const message of messages(texts)) {
        told.push(message);
      }
      return told;
    }, texts);
    const [ours, others] = ['retry: 2000\n\n: \n\nid: 1\nevent: A\ndata: {"a":"b: c\u2028"}\n\n', "id:2\r\ndata:x\r\ndata\r\n\r\nid: 3\rdata: y\r\r"];
    const text = `${ours}${others}id: 4\ndata: cut`;
    const empty = { id: "", data: "" };
    const whole = [empty, empty, { id: "1", data: '{"a":"b: c\u2028"}' }, { id: "2", data: "x\n" }, { id: "3", data: "y" }];
    assert.deepEqual(await read([text]), whole);
    assert.deepEqual(await read([...text]), whole);
    for (let at = 1; at < text.length; at += 1) {
      assert.deepEqual(await read([text.slice(0, at), text.slice(at)]), whole, `cut at ${at}`);
    }
  });
});
