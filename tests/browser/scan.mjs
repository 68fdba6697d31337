// Scanning: by the camera, from a photo, by the browser's own reader and by ours.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { picture, video } from "./codes.mjs";
import { device, isOwned, issue, link, secret } from "./devices.mjs";
import { CUSTOMER, PHONE, TENANT, URL_OF_SERVICE, api, cameraShows, check, on } from "./support.mjs";

const folder = mkdtempSync(join(tmpdir(), "deed-camera-"));
const film = join(folder, "film.y4m");
// The browser looks for the file when it starts.
writeFileSync(film, video(Buffer.alloc(640 * 480, 200), 640, 480));
cameraShows(film);
after(() => rmSync(folder, { recursive: true }));

const REFUSED = { expected: /Failed to load resource: the server responded with a status of 4\d\d/ };
const CAMERA = { permissions: ["camera"] };

/** Draws pictures as a camera sees them, in a canvas of the browser: `window.seen(base64, view)` gives its `ImageData`. */
function drawing() {
  window.seen = async (base64, { width = 640, height = 480, turn = 0, zoom = 0.8, tilt = 0, noise = 0, dim = 0 }) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.fillStyle = "#777";
    context.fillRect(0, 0, width, height);
    context.setTransform(zoom, tilt, tilt / 2, zoom, width / 2, height / 2);
    context.rotate(turn);
    context.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
    const image = context.getImageData(0, 0, width, height);
    let random = 1;
    for (let i = 0; i < image.data.length; i += 4) {
      random = (random * 16_807) % 2_147_483_647;
      const light = image.data[i] * (1 - dim * (((i / 4) % width) / width)) + (random / 2_147_483_647 - 0.5) * noise;
      image.data.fill(light, i, i + 3);
    }
    return image;
  };
}

/** Lets the camera see the picture. */
async function show(page, png, view) {
  await page.evaluate(drawing);
  const [luma, width, height] = await page.evaluate(async ([base64, how]) => {
    const { data, width: w, height: h } = await window.seen(base64, how);
    let text = "";
    for (let i = 0; i < data.length; i += 4) {
      text += String.fromCharCode(data[i]);
    }
    return [btoa(text), w, h];
  }, [png.toString("base64"), view]);
  writeFileSync(film, video(Buffer.from(luma, "base64"), width, height));
}

async function signInAndClaim(page) {
  await page.getByRole("button", { name: "Claim", exact: true }).click();
  await page.getByLabel("E-mail").fill(CUSTOMER[0]);
  await page.getByLabel("Password", { exact: true }).fill(CUSTOMER[1]);
  await page.getByRole("button", { name: "Sign in and claim" }).click();
  await page.getByRole("heading", { name: "The device is yours." }).waitFor();
}

/** Remembers the camera's streams, to see whether they have ended. */
const remember = (context) => context.addInitScript(() => {
  window.streams = [];
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    window.streams.push(stream);
    return stream;
  };
});
const isFilming = (page) => page.evaluate(() => window.streams.some((stream) => stream.getTracks().some((track) => track.readyState === "live")));

async function choose(page, buffer, mimeType = "image/png") {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Use a photo of it" }).click()]);
  await chooser.setFiles({ name: "label.png", mimeType, buffer });
}

test("a camera that sees the label", async () => {
  const pump = await device();
  const label = await picture(`${URL_OF_SERVICE}${link(pump, await issue(pump))}`);
  await on(null, { ...CAMERA, viewport: PHONE }, async (page, context) => {
    await remember(context);
    await page.goto(`${URL_OF_SERVICE}/claim`);
    await show(page, label, { turn: 0.3, noise: 20, dim: 0.4 });
    await page.getByRole("button", { name: "Scan the QR code" }).click();
    await page.getByText(pump.name, { exact: true }).waitFor();
    assert.equal(await isFilming(page), false, "the camera is still on");
    assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.textContent), "Claim");
    await check(page);
    await signInAndClaim(page);
  });
  assert.ok(await isOwned(pump));
});

test("the camera ends with the button, with Escape, and when the page is left", async () => {
  await on(null, CAMERA, async (page, context) => {
    await remember(context);
    await page.goto(`${URL_OF_SERVICE}/claim`);
    await show(page, await picture("x"), { zoom: 0.01 });
    const begin = async () => {
      await page.getByRole("button", { name: "Scan the QR code" }).click();
      await page.waitForFunction(() => document.querySelector("device-claiming").shadowRoot.querySelector("video").videoWidth > 0);
      assert.ok(await isFilming(page));
    };
    await begin();
    assert.equal(await page.getByRole("button", { name: "Claim", exact: true }).isVisible(), false);
    await check(page);
    await page.getByRole("button", { name: "Stop the camera" }).click();
    assert.equal(await isFilming(page), false);
    await begin();
    await page.keyboard.press("Escape");
    assert.equal(await isFilming(page), false);
    assert.ok(await page.getByLabel("Device name").isVisible());
    await begin();
    await page.evaluate(() => document.querySelector("device-claiming").remove());
    assert.equal(await isFilming(page), false);
  });
});

test("a camera that was stopped while its reader was on the way does not start", async () => {
  await on(null, CAMERA, async (page, context) => {
    await remember(context);
    let come;
    const waited = new Promise((resolve) => {
      come = resolve;
    });
    await page.route("**/widget/camera.js", async (route) => {
      await waited;
      await route.continue();
    });
    await page.goto(`${URL_OF_SERVICE}/claim`);
    const scan = page.getByRole("button", { name: "Scan the QR code" });
    await scan.click();
    await page.keyboard.press("Escape");
    await scan.click();
    come();
    await page.waitForFunction(() => document.querySelector("device-claiming").shadowRoot.querySelector("video").videoWidth > 0);
    assert.equal(await page.evaluate(() => window.streams.length), 1);
    await page.keyboard.press("Escape");
    assert.equal(await isFilming(page), false);
  });
});

test("without permission, or without a camera, there are a photo and the fields", async () => {
  await on("/claim", {}, async (page) => {
    await page.getByRole("button", { name: "Scan the QR code" }).click();
    await page.getByRole("alert").filter({ hasText: "The camera may not be used." }).waitFor();
    assert.ok(await page.getByLabel("Device name").isVisible());
    await check(page);
  });
  await on(null, {}, async (page) => {
    // As on a page over http.
    await page.addInitScript(() => Object.defineProperty(navigator, "mediaDevices", { value: undefined }));
    await page.goto(`${URL_OF_SERVICE}/claim`);
    await page.getByRole("button", { name: "Use a photo of it" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Scan the QR code" }).isVisible(), false);
    await choose(page, await picture("Pump 1"));
    await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.id === "key");
    assert.equal(await page.getByLabel("Device name").inputValue(), "Pump 1");
  });
});

test("photos of everybody's codes", async () => {
  const [linked, json, bare] = [await device("Ventil ü"), await device(), await device()];
  const eui = (Date.now() % 1e15).toString().padStart(16, "0");
  const { data } = await api(TENANT, "POST", "api/device", { name: eui });
  const lora = { id: data.id.id, name: eui };
  await issue(lora, { key: secret("A1B2") });
  await issue(json, { key: secret("json") });
  const { key } = await issue(bare);
  const codes = [
    [linked, `${URL_OF_SERVICE}${link(linked, await issue(linked))}`],
    [json, JSON.stringify({ deviceName: json.name, secretKey: secret("json") })],
    [lora, `LW:D0:1122334455667788:${eui}:AABB1122:O${secret("A1B2")}:SYYWW:C0000`],
    [bare, bare.name],
  ];
  await on("/claim", { ...REFUSED, as: CUSTOMER }, async (page) => {
    for (const [pump, text] of codes) {
      await choose(page, await picture(text, { dots: 5 }));
      if (pump === bare) {
        await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.id === "key");
        await page.keyboard.type(key);
      } else {
        await page.getByText(pump.name, { exact: true }).waitFor();
      }
      await page.getByRole("button", { name: "Claim", exact: true }).click();
      await page.getByRole("heading", { name: "The device is yours." }).waitFor();
      assert.ok(await isOwned(pump), text);
      await page.getByRole("button", { name: "Claim another device" }).click();
    }
  });
});

test("what is not to be claimed is said, and never opened", async () => {
  await on("/claim", {}, async (page) => {
    const said = (text) => page.getByRole("alert").filter({ hasText: text }).waitFor();
    await choose(page, await picture("https://evil.example/claim#n=D-1&k=K"));
    await said("This code belongs to another service, evil.example. It was not opened.");
    await choose(page, await picture("WIFI:T:WPA;S:home;P:secret;;"));
    await said("This code says nothing of a device: WIFI:T:WPA");
    await check(page);
    await choose(page, await page.screenshot());
    await said("No QR code was found in the picture.");
    await choose(page, Buffer.from("no picture"));
    await said("This file is not a picture.");
    assert.equal(await page.getByLabel("Device name").inputValue(), "");
  });
});

test("the browser's own reader is used where there is one, and ours is not fetched then", async () => {
  await on(null, CAMERA, async (page, context) => {
    await context.addInitScript(() => {
      window.BarcodeDetector = class {
        static getSupportedFormats = async () => ["qr_code", "ean_13"];
        detect = async () => [{ rawValue: '{"deviceName":"By the browser","secretKey":"K"}' }];
      };
    });
    const fetched = [];
    page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
    await page.goto(`${URL_OF_SERVICE}/claim`);
    assert.ok(!fetched.includes("/widget/camera.js"), "what reads pictures is fetched before it is needed");
    await choose(page, await picture("x"));
    await page.getByText("By the browser", { exact: true }).waitFor();
    assert.ok(fetched.includes("/widget/camera.js") && !fetched.includes("/widget/qr-reader.js"));
  });
});

test("our reader: turned, tilted, dim, grainy, small and large codes, in every level", async () => {
  const long = `https://deed.example/claim#n=${"%C3%BC".repeat(20)}&k=7KQM-2WXR-HT4P-9BDE&x=1827667200`;
  const views = [
    { turn: 0 }, { turn: 1.57 }, { turn: 2.5, noise: 40 }, { turn: 0.7, tilt: 0.2 }, { turn: -0.4, dim: 0.7 },
    { width: 1280, height: 960, turn: 3.1, zoom: 0.6, noise: 30 }, { turn: 0.1, zoom: 0.45, tilt: -0.1, dim: 0.5, noise: 15 },
  ];
  await on("/claim", {}, async (page) => {
    await page.evaluate(drawing);
    const faults = [];
    for (const [text, options] of [["D", {}], ["0123456789012345", {}], ["PUMP-17 $%*+./:", {}], [long, { dots: 4 }], [long, { dots: 5, level: "L" }], ["Ventil ü №3", { level: "Q" }], ["{\"deviceName\":\"D-1\"}", { level: "H" }]]) {
      const code = await picture(text, options);
      for (const view of views) {
        const read = await page.evaluate(async ([base64, how]) => {
          const { decode } = await import("/widget/qr-reader.js");
          return decode(await window.seen(base64, how));
        }, [code.toString("base64"), view]);
        if (read !== text) {
          faults.push(`${text.slice(0, 20)} ${JSON.stringify(options)} ${JSON.stringify(view)}: ${read}`);
        }
      }
    }
    assert.deepEqual(faults, []);
  });
});
