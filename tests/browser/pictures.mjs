// The pictures in the README, taken of a demo with some life in it: `./task pictures`.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [, , program, folder] = process.argv;
const DAY_MS = 86_400_000;
const ROOMS = ["Boiler room", "Greenhouse", "Cold store", "Workshop", "Entrance", "Roof"];

mkdirSync(folder, { recursive: true });
const data = mkdtempSync(join(tmpdir(), "deed-pictures-"));
const server = spawn(program, ["serve", "--demo", "--data-dir", data], {
  env: { PATH: process.env.PATH, HTTP_BIND_PORT: "0", MQTT_BIND_PORT: "0", COAP_BIND_PORT: "0", DEED_LOG_LEVEL: "error" },
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  process.env.DEED_URL = await ready();
  process.env.DEED_MARK ??= "";
  await take(await import("./support.mjs"));
} finally {
  server.kill();
  await new Promise((ended) => server.on("exit", ended));
  rmSync(data, { recursive: true });
}

async function ready() {
  for await (const line of createInterface(server.stdout)) {
    const url = line.trim().match(/^deed is ready: (.*)/)?.[1];
    if (url) {
      return url;
    }
  }
  throw new Error("the service ended before it was ready");
}

async function take({ api, close, CUSTOMER, CUSTOMER_B, DESKTOP, open, PHONE, signIn, TENANT }) {
  const key = await live({ api, CUSTOMER, CUSTOMER_B, TENANT });

  /** Opens a page, signs in if somebody is named, does what is to be seen, and writes the picture. */
  async function picture(file, path, { person, viewport = DESKTOP, dark = false, height, show = async () => {} }) {
    const { page, finish } = await open({ viewport: height ? { ...viewport, height } : viewport, dark });
    await page.goto(`${process.env.DEED_URL}${path}`);
    if (person) {
      await signIn(page, person);
    }
    await show(page);
    await page.waitForTimeout(400);
    writeFileSync(join(folder, file), await page.screenshot());
    await finish();
  }

  const device = (await api(TENANT, "GET", "api/tenant/devices?deviceName=Greenhouse%201")).data.id.id;
  const expires = Math.floor(Date.now() / 1000) + 364 * 86_400;
  await picture("claim.png", `/claim#n=Cold%20store%202&k=${key}&x=${expires}`, {
    viewport: PHONE,
    show: (page) => page.getByRole("button", { name: "Claim", exact: true }).waitFor(),
  });
  await picture("devices.png", "/devices", {
    person: TENANT,
    show: (page) => page.getByText("Boiler room 1").first().waitFor(),
  });
  await picture("history.png", `/device#${device}`, {
    person: TENANT,
    dark: true,
    show: (page) => page.getByRole("slider").waitFor(),
  });
  await close();
}

/** Some days in the life of a demo: devices, keys, claims, a wrong key, a device that came back. Gives a key of `Cold store 2`. */
async function live({ api, CUSTOMER, CUSTOMER_B, TENANT }) {
  const expect = async (...request) => {
    const { status, data } = await api(...request);
    if (status >= 300) {
      throw new Error(`${request[1]} ${request[2]}: ${status}`);
    }
    return data;
  };
  const claim = (person, name, secretKey) =>
    api(person, "POST", `api/customer/device/${encodeURIComponent(name)}/claim`, { secretKey });
  let key;
  for (const [place, room] of ROOMS.entries()) {
    for (const number of [1, 2]) {
      const name = `${room} ${number}`;
      const { id } = await expect(TENANT, "POST", "api/device", { name, type: "thermometer", label: `Batch ${place + 3}` });
      if (place === 5) {
        continue;
      }
      const made = await expect(TENANT, "POST", `api/devices/${id.id}/claim-keys`, { durationMs: (place + 1) * 30 * DAY_MS });
      if (name === "Cold store 2") {
        key = made.secretKey;
      } else if (place < 2 || name === "Entrance 1") {
        await claim(CUSTOMER_B, name, "ABCD-EFGH");
        await claim(place === 0 ? CUSTOMER_B : CUSTOMER, name, made.secretKey);
      }
    }
  }
  await expect(CUSTOMER, "DELETE", "api/customer/device/Greenhouse%201/claim");
  return key;
}
