// `<device-claiming>` on pages of other origins, with all its settings, and against a ThingsBoard server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { claim, device, isOwned, issue, register, secret } from "./devices.mjs";
import { CUSTOMER, PHONE, TENANT, URL_OF_SERVICE, api, check, on } from "./support.mjs";

const LINES = '<script type="module" src="SERVER/widget/device-claiming.js"></script>\n<device-claiming></device-claiming>';
// Nothing but the widget's origin, and no style of its own.
const POLICY = "default-src 'none'; script-src SERVER; style-src 'none'; connect-src SERVER; img-src data:; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const FAILED = { expected: /Failed to load resource: the server responded with a status of/ };

let host;
let page = LINES;
let policy = POLICY;

before(async () => {
  const withServer = (text) => text.replaceAll("SERVER", URL_OF_SERVICE);
  host = createServer((request, response) => {
    if (request.url !== "/") {
      return response.writeHead(404).end();
    }
    response.writeHead(200, { "Content-Type": "text/html", "Content-Security-Policy": withServer(policy) });
    const begin = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A shop</title><link rel="icon" href="data:,">';
    response.end(`${begin}<body><main><h1>A shop</h1>${withServer(page)}</main></body></html>`);
  });
  await new Promise((listening) => host.listen(0, "127.0.0.1", listening));
});
after(() => host.close());

/** Does something on the host's page, with that in it. */
function embedded(html, options, work) {
  page = html.replace(/^<device-claiming/, `${LINES.split("\n")[0]}\n$&`);
  const origin = `http://localhost:${host.address().port}`;
  return on(null, { ...FAILED, ...options, origins: [origin, ...(options.origins ?? [])] }, async (opened) => {
    await opened.addInitScript(() => {
      window.told = [];
      for (const type of ["claimed", "refused", "relate", "signed-in", "sign-in-needed", "not-this"]) {
        addEventListener(type, ({ detail }) => window.told.push({ type, detail: JSON.parse(JSON.stringify(detail ?? null)) }));
      }
    });
    await opened.goto(origin);
    await opened.getByRole("main").waitFor();
    await opened.waitForSelector("device-claiming:defined");
    await work(opened);
  });
}

const told = (opened, type) => opened.evaluate((wanted) => window.told.filter(({ type: one }) => one === wanted).map(({ detail }) => detail), type);
const press = (opened, name = "Claim") => opened.getByRole("button", { name, exact: true }).click();

async function type(opened, name, key) {
  await opened.getByLabel("Device name").fill(name);
  if (key !== null) {
    await opened.getByLabel("Secret key").fill(key);
  }
  await press(opened);
}

async function signIn(opened, [email, password] = CUSTOMER) {
  await opened.getByLabel("E-mail").fill(email);
  await opened.getByLabel("Password", { exact: true }).fill(password);
  await opened.getByRole("button", { name: "Sign in and claim" }).click();
}

const setUp = (opened, script) => opened.evaluate(script);

test("two lines are enough, on a page of another origin with a strict policy", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  await embedded(LINES, { viewport: PHONE }, async (opened) => {
    await check(opened);
    await type(opened, pump.name, key);
    await signIn(opened);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
    await check(opened);
    const [claimed] = await told(opened, "claimed");
    assert.deepEqual([claimed.device.name, claimed.device.id.id, claimed.server], [pump.name, pump.id, `${URL_OF_SERVICE}/`]);
    assert.equal((await told(opened, "signed-in"))[0].user.email, CUSTOMER[0]);
    assert.ok(!JSON.stringify(await opened.evaluate(() => window.told)).includes(key));
    await opened.getByText(`Signed in as ${CUSTOMER[0]}.`).waitFor();
    await press(opened, "Sign out");
    const other = await device();
    await type(opened, other.name, (await issue(other)).key);
    await opened.getByLabel("E-mail").waitFor();
  });
});

test("a hidden key field claims with the empty key", async () => {
  const [open, closed] = [await device(), await device()];
  await register(open, "", 60_000);
  await issue(closed);
  await embedded('<device-claiming hide-key heading="Register"></device-claiming>', {}, async (opened) => {
    assert.ok(await opened.getByRole("heading", { name: "Register" }).isVisible());
    assert.equal(await opened.getByLabel("Secret key").isVisible(), false);
    const bodies = [];
    opened.on("request", (request) => request.url().endsWith("/claim") && request.method() === "POST" && bodies.push(request.postData()));
    await type(opened, closed.name, null);
    await signIn(opened);
    await opened.getByText("This device cannot be claimed just now.").waitFor();
    await opened.getByText("Press the button on the device").waitFor();
    await type(opened, open.name, null);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
    assert.deepEqual(bodies, ["{}", "{}"]);
  });
  assert.deepEqual([await isOwned(open), await isOwned(closed)], [true, false]);
});

test("every text of ThingsBoard's widget can be set", async () => {
  const pump = await device();
  await issue(pump, { key: secret("right") });
  const html = `<device-claiming heading="" claim-label="Get it" name-label="Serial" name-placeholder="as on the box" key-label="PIN"
    key-placeholder="6 digits" text-success="Yours now!" text-not-found="Never heard of it." text-failed="No luck." text-in-progress="Working …"
    text-name-required="Serial, please." text-key-required="PIN, please."></device-claiming>`;
  await embedded(html, {}, async (opened) => {
    assert.equal(await opened.getByRole("heading", { level: 2 }).count(), 0);
    await press(opened, "Get it");
    await opened.getByText("Serial, please.").waitFor();
    await opened.getByText("PIN, please.").waitFor();
    assert.equal(await opened.getByLabel("Serial").getAttribute("placeholder"), "as on the box");
    assert.equal(await opened.getByLabel("PIN").getAttribute("placeholder"), "6 digits");
    const claimWith = async (name, key) => {
      await opened.getByLabel("Serial").fill(name);
      await opened.getByLabel("PIN").fill(key);
      await press(opened, "Get it");
    };
    await claimWith(pump.name, secret("wrong"));
    await signIn(opened);
    await opened.getByText("No luck.").waitFor();
    assert.equal((await told(opened, "refused"))[0].code, "claim_failed");
    await claimWith("No such", secret("wrong"));
    await opened.getByText("Never heard of it.").waitFor();
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await opened.route("**/api/customer/device/**", async (route) => {
      await held;
      await route.continue();
    });
    await claimWith(pump.name, secret("right"));
    await opened.getByRole("button", { name: "Working …" }).waitFor();
    await check(opened);
    release();
    await opened.getByRole("heading", { name: "Yours now!" }).waitFor();
    const refused = await told(opened, "refused");
    assert.deepEqual(refused.map(({ code, status }) => [code, status]), [["claim_failed", 400], ["device_not_found", 404]]);
    assert.match(refused[0].requestId, /^[0-9a-f-]{36}$/);
  });
});

test("labels that are hidden are still the names of their fields", async () => {
  await embedded("<device-claiming hide-labels name-placeholder=\"Device name\" key-placeholder=\"Secret key\"></device-claiming>", {}, async (opened) => {
    const box = await opened.locator("label").first().boundingBox();
    assert.ok(box.width <= 1 && box.height <= 1);
    await opened.getByRole("textbox", { name: "Device name" }).waitFor();
    await check(opened);
  });
});

test("a device that is not meant stays if the page says so, and the next is not held up by what the page relates", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  await embedded('<device-claiming relation-type="Contains"></device-claiming>', {}, async (opened) => {
    await opened.evaluate(([name, secretKey]) => {
      const element = document.querySelector("device-claiming");
      element.addEventListener("not-this", (event) => event.preventDefault());
      element.relate = () => new Promise(() => {});
      element.fill({ name, key: secretKey });
    }, [pump.name, key]);
    await press(opened, "Not this device?");
    await opened.getByText(pump.name, { exact: true }).waitFor();
    await press(opened);
    await signIn(opened);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
    await press(opened, "Claim another device");
    assert.ok(await opened.getByLabel("Device name").isEditable());
  });
});

test("a relation is made after the claim, and if it cannot be, the claim stands", async () => {
  const relation = 'relation-type="Contains" relation-entity-type="ASSET" relation-entity-id="6a5e" relation-direction="to"';
  for (const [fails, relate] of [[false, "async (detail) => { window.related = detail; }"], [true, "async () => { throw new Error('no'); }"]]) {
    const pump = await device();
    const { key } = await issue(pump);
    await embedded(`<device-claiming ${relation}></device-claiming>`, {}, async (opened) => {
      await setUp(opened, fails
        ? () => { document.querySelector("device-claiming").relate = async () => { throw new Error("no"); }; }
        : () => { document.querySelector("device-claiming").relate = async (detail) => { window.related = detail; }; });
      await type(opened, pump.name, key);
      await signIn(opened);
      await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
      const expected = { deviceId: pump.id, type: "Contains", direction: "to", entity: { entityType: "ASSET", id: "6a5e" } };
      assert.deepEqual(await told(opened, "relate"), [expected], relate);
      if (fails) {
        await opened.getByText("It could not be linked").waitFor();
        await check(opened);
      } else {
        assert.deepEqual(await opened.evaluate(() => window.related), expected);
      }
    });
    assert.ok(await isOwned(pump));
  }
});

test("the host brings the token, and is asked for another when one has run out", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  const { data } = await api(null, "POST", "api/auth/login", { username: CUSTOMER[0], password: CUSTOMER[1] });
  await embedded("<device-claiming></device-claiming>", {}, async (opened) => {
    await opened.evaluate((token) => {
      window.asked = [];
      document.querySelector("device-claiming").tokenProvider = async ({ expired }) => {
        window.asked.push(expired);
        return expired ? token : "eyJhbGciOiJIUzUxMiJ9.old.old";
      };
    }, data.token);
    await type(opened, pump.name, key);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
    assert.deepEqual(await opened.evaluate(() => window.asked), [false, true]);
    assert.deepEqual(await told(opened, "sign-in-needed"), []);
  });
  const other = await device();
  const { key: otherKey } = await issue(other);
  await embedded('<device-claiming sign-in="none"></device-claiming>', {}, async (opened) => {
    await type(opened, other.name, otherKey);
    await opened.getByText("Please sign in first.").waitFor();
    assert.equal((await told(opened, "sign-in-needed")).length, 1);
    await opened.evaluate(async (token) => {
      const element = document.querySelector("device-claiming");
      element.token = token;
      await element.claim();
    }, data.token);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
});

test("what a page sets before the element is known counts, and a provider of tokens that fails is no riddle", async () => {
  await embedded("<device-claiming></device-claiming>", { expected: /no tokens today|Failed to load/ }, async (opened) => {
    await opened.evaluate(() => {
      const early = document.createElement("not-yet-claiming");
      Object.assign(early, { deviceName: "D-1", secretKey: "K", tokenProvider: async () => { throw new Error("no tokens today"); } });
      document.querySelector("main").replaceChildren(early);
      customElements.define("not-yet-claiming", class extends customElements.get("device-claiming") {});
    });
    await opened.getByText("D-1", { exact: true }).waitFor();
    const failure = opened.waitForEvent("console");
    await press(opened);
    await opened.getByText("The service cannot be reached.").waitFor();
    assert.match((await failure).text(), /no tokens today/);
  });
});

test("a page can say which device it is about", async () => {
  const pump = await device();
  await issue(pump, { key: secret("given") });
  await embedded(`<device-claiming name="${pump.name}"></device-claiming>`, {}, async (opened) => {
    assert.equal(await opened.getByLabel("Device name").inputValue(), pump.name);
    await opened.evaluate(([key, at]) => {
      const element = document.querySelector("device-claiming");
      element.secretKey = key;
      element.expires = at;
    }, [secret("given"), Date.now() + 40 * 86_400_000]);
    await opened.getByText("This key works for another 39 days.").or(opened.getByText("another 40 days.")).first().waitFor();
    assert.equal(await opened.getByLabel("Device name").isVisible(), false);
    assert.ok(!(await opened.content()).includes(secret("given")), "the key stands in the page's markup");
    await check(opened);
    await press(opened);
    await signIn(opened);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
    await press(opened, "Claim another device");
    assert.equal(await opened.getByLabel("Device name").inputValue(), "");
  });
});

test("it speaks German, and whatever else the host teaches it", async () => {
  await embedded('<device-claiming lang="de"></device-claiming>', {}, async (opened) => {
    await opened.getByRole("heading", { name: "Gerät übernehmen" }).waitFor();
    await press(opened, "Übernehmen");
    await opened.getByText("Bitte geben Sie den Namen des Geräts ein.").waitFor();
    await check(opened);
    await opened.evaluate(async (server) => {
      const { DeviceClaiming } = await import(`${server}/widget/device-claiming.js`);
      DeviceClaiming.define("fr", { claim: "Réclamer", nameLabel: "Nom de l’appareil" });
      document.querySelector("device-claiming").lang = "fr";
    }, URL_OF_SERVICE);
    await opened.getByRole("button", { name: "Réclamer", exact: true }).waitFor();
    // What is missing is said in English.
    await opened.getByLabel("Secret key").waitFor();
    await opened.evaluate(() => (document.querySelector("device-claiming").texts = { claim: "Go" }));
    await opened.getByRole("button", { name: "Go", exact: true }).waitFor();
  });
});

test("German has a text for every English one", async () => {
  await on("/claim", {}, async (opened) => {
    const [missing, unknown] = await opened.evaluate(async () => {
      const [{ EN }, { DE }] = await Promise.all([import("/widget/texts.js"), import("/widget/texts-de.js")]);
      const without = (all, some) => Object.keys(all).filter((name) => !(name in some) && all[name] !== "");
      return [without(EN, DE), without(DE, EN)];
    });
    assert.deepEqual([missing, unknown], [[], []]);
  });
});

test("the host's colours, measures and parts count", async () => {
  await embedded("<device-claiming></device-claiming>", {}, async (opened) => {
    const style = () => opened.evaluate(() => {
      const root = document.querySelector("device-claiming").shadowRoot;
      const button = getComputedStyle(root.querySelector("button[type=submit]"));
      return { color: button.backgroundColor, radius: button.borderRadius, letters: getComputedStyle(root.querySelector("h2")).letterSpacing };
    });
    const before = await style();
    await opened.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("device-claiming { --deed-accent: rgb(1, 2, 3); --deed-radius: 3px } device-claiming::part(heading) { letter-spacing: 4px }");
      document.adoptedStyleSheets = [sheet];
    });
    assert.deepEqual(await style(), { color: "rgb(1, 2, 3)", radius: "3px", letters: "4px" });
    assert.notEqual(before.color, "rgb(1, 2, 3)");
    const parts = await opened.evaluate(() => [...document.querySelector("device-claiming").shadowRoot.querySelectorAll("[part]")].flatMap((element) => [...element.part]));
    for (const part of ["heading", "form", "label", "input", "button", "scan-button", "outcome", "countdown", "hint", "sign-in"]) {
      assert.ok(parts.includes(part), part);
    }
  });
});

test("a LoRaWAN device may have been registered in small letters", async () => {
  const eui = `${Date.now().toString(16).padStart(14, "a")}ef`;
  const { data } = await api(TENANT, "POST", "api/device", { name: eui });
  await issue({ id: data.id.id }, { key: secret("lora") });
  await embedded("<device-claiming></device-claiming>", {}, async (opened) => {
    await opened.evaluate(async ([text, server]) => {
      const { read } = await import(`${server}/widget/content.js`);
      const found = read(text, server);
      const { claimDevice } = await import(`${server}/widget/claim-device.js`);
      window.claimDevice = (token) => claimDevice(`${server}/`, found, async () => token);
    }, [`LW:D0:1122334455667788:${eui.toUpperCase()}:AABB1122:O${secret("lora")}`, URL_OF_SERVICE]);
    const { data: pair } = await api(null, "POST", "api/auth/login", { username: CUSTOMER[0], password: CUSTOMER[1] });
    const claimed = await opened.evaluate((token) => window.claimDevice(token), pair.token);
    assert.equal(claimed.name, eui);
  });
});

test("what QR codes say", async () => {
  const vectors = JSON.parse(readFileSync(new URL("content.json", import.meta.url), "utf8"));
  await on("/claim", {}, async (opened) => {
    const origin = new URL(URL_OF_SERVICE).origin;
    const texts = vectors.map(({ text }) => text.replace("SERVER", origin));
    const read = await opened.evaluate(async ([all, server]) => {
      const { read: readCode } = await import("/widget/content.js");
      return all.map((text) => readCode(text, server));
    }, [texts, `${origin}/`]);
    for (const [i, { why, text, ...expected }] of vectors.entries()) {
      const whole = { link: 1, json: 1, tr005: 1, name: 1 }[expected.kind] ? { key: null, expires: null, ...expected } : expected;
      const { text: said, ...given } = read[i];
      assert.deepEqual(given, whole, `${why}: ${text}`);
      assert.equal(said, expected.kind === "unknown" ? texts[i].trim() : undefined, why);
    }
  });
});

test("made keys are known as the service makes them", async () => {
  const pump = await device();
  const keys = [];
  for (let i = 0; i < 20; i += 1) {
    keys.push((await issue(pump)).key);
  }
  await on("/claim", {}, async (opened) => {
    const faults = await opened.evaluate(async (made) => {
      const { canonical, read } = await import("/widget/key.js");
      const wrong = [];
      for (const key of made) {
        if (canonical(` ${key.toLowerCase().replaceAll("-", " ")}`) !== key) wrong.push(key);
        if (read(key).key !== key || read(key).doubt) wrong.push(`read ${key}`);
        // One wrong character is always noticed.
        for (let i = 0; i < key.length; i += 1) {
          for (const other of "8B5S2ZUV") {
            if (key[i] !== "-" && key[i] !== other && canonical(key.slice(0, i) + other + key.slice(i + 1))) wrong.push(`${key} at ${i}`);
          }
        }
      }
      for (const own of ["", "K", "MY-KEY", "0O1I", "schlüssel 🔑", "x".repeat(300), "2222-2222-2222-222"]) {
        if (JSON.stringify(read(own)) !== JSON.stringify({ key: own })) wrong.push(own);
      }
      // As `token_hex(8)` makes them, and in capitals.
      for (let i = 0; i < 500; i += 1) {
        const own = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        for (const spelt of [own, own.toUpperCase()]) {
          const { key, readAs, doubt } = read(spelt);
          if (key !== spelt || readAs || doubt) wrong.push(spelt);
        }
      }
      if (canonical("2222-2222-2222-2222") !== "2222-2222-2222-2222") wrong.push("the key of the service's own test");
      return wrong;
    }, keys);
    assert.deepEqual(faults, []);
  });
});

test("a ThingsBoard server says less, and is understood", async () => {
  // As ThingsBoard CE 4.2.1 answered, but that browsers are let in.
  const failure = (status, errorCode, message) => ({ status, body: JSON.stringify({ status, message, errorCode, timestamp: 1 }) });
  const answers = {
    "wrong key": { status: 400, body: '"FAILURE"' },
    taken: { status: 400, body: '"CLAIMED"' },
    nowhere: failure(404, 32, "Requested item wasn't found!"),
    busy: failure(429, 33, "Too many requests for current customer!"),
    yours: { status: 200, body: '{"device":{"id":{"entityType":"DEVICE","id":"7"},"name":"yours"},"response":"SUCCESS"}' },
  };
  let tokens = 0;
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url.split("/")[4] ?? "");
    const isOld = request.headers["x-authorization"] === "Bearer t1";
    const user = { status: 200, body: '{"email":"a@example.org","authority":"CUSTOMER_USER"}' };
    const pair = () => ({ status: 200, body: JSON.stringify({ token: `t${(tokens += 1)}`, refreshToken: "r" }) });
    const answer =
      request.method === "OPTIONS" ? { status: 200, body: "" }
      : request.url === "/api/auth/login" || request.url === "/api/auth/token" ? pair()
      : request.url === "/api/auth/user" ? user
      : isOld ? failure(401, 11, "Token has expired")
      : answers[name];
    response.writeHead(answer.status, { "Content-Type": "application/json;charset=ISO-8859-1", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*, x-authorization", "Access-Control-Allow-Methods": "*" });
    response.end(answer.body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const at = `http://127.0.0.1:${server.address().port}`;
  policy = POLICY.replace("connect-src", `connect-src ${at}`);
  await embedded(`<device-claiming server="${at}"></device-claiming>`, { origins: [at] }, async (opened) => {
    await type(opened, "wrong key", "K");
    await signIn(opened);
    await opened.getByText("This key does not fit this device.").waitFor();
    assert.equal(tokens, 2, "the token that ran out was not renewed");
    for (const [name, text] of [["taken", "This device has an owner already."], ["nowhere", "There is no device of this name."], ["yours", "The device is yours."]]) {
      await type(opened, name, "K");
      await opened.getByText(text).first().waitFor();
    }
    await press(opened, "Claim another device");
    await type(opened, "busy", "K");
    await opened.getByText("Too much is being asked").waitFor();
    await opened.getByText(/Possible again in (1:00|60|59)/).waitFor();
    await check(opened);
  });
  policy = POLICY;
  server.close();
});

test("who signs in as somebody else does not wait for who was there before", async () => {
  const pump = await device();
  const { key } = await issue(pump);
  await embedded("<device-claiming></device-claiming>", {}, async (opened) => {
    await opened.route("**/api/customer/device/**", (route) =>
      route.fulfill({ status: 429, headers: { "Retry-After": "60" }, json: { code: "claimant_locked" } }), { times: 1 });
    await type(opened, pump.name, key);
    await signIn(opened);
    await opened.getByText("Possible again in").waitFor();
    await press(opened, "Sign out");
    assert.equal(await opened.getByText("Possible again in").isVisible(), false);
    await press(opened);
    await signIn(opened);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
});

test("an account of the page that fails is told of", async () => {
  await embedded("<device-claiming></device-claiming>", { expected: /the page's own fault/ }, async (opened) => {
    await opened.evaluate(() => (document.querySelector("device-claiming").account = {
      token: async () => null,
      signIn: async () => {
        throw new Error("the page's own fault");
      },
    }));
    await type(opened, "D-1", "K");
    await signIn(opened);
    await opened.getByRole("alert").getByText("The service could not do it.").waitFor();
  });
});

test("claims that were made elsewhere are told as such", async () => {
  const pump = await device();
  await issue(pump, { key: secret("first") });
  await claim(pump, secret("first"));
  await embedded("<device-claiming></device-claiming>", {}, async (opened) => {
    // The owner with the same key gets the same answer: nothing happens.
    await type(opened, pump.name, secret("first"));
    await signIn(opened);
    await opened.getByRole("heading", { name: "The device is yours." }).waitFor();
  });
});
