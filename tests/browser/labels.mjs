// Labels: of one device, of a selection, of a search; what a label's code leads to, and what the service refuses.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { claim, devices, issue, keysOf } from "./devices.mjs";
import { AUDITOR, TENANT, api, check, checkAll, on, tabbed } from "./support.mjs";

const REFUSED = /the server responded with a status of 4\d\d/;
const heading = (page, name) => page.getByRole("heading", { name, exact: true });

/** What stands in the QR code of a picture, as zbar reads it. */
async function decoded(picture) {
  const file = `${process.env.TMPDIR ?? "/tmp"}/deed-label-${process.pid}.png`;
  await writeFile(file, picture);
  return execFileSync("zbarimg", ["--quiet", "--raw", file], { encoding: "utf8" }).trim();
}

async function download(page, work) {
  const [saved] = await Promise.all([page.waitForEvent("download"), work()]);
  const chunks = [];
  for await (const chunk of await saved.createReadStream()) {
    chunks.push(chunk);
  }
  return [saved.suggestedFilename(), Buffer.concat(chunks)];
}

test("a label of one device claims it", async () => {
  const [pump] = await devices("Labelled 1");
  await on("/devices#textSearch=Labelled", { as: TENANT }, async (page) => {
    await page.getByRole("button", { name: "Labelled 1", exact: true }).click();
    await page.getByRole("button", { name: "Print a label" }).click();
    await page.waitForURL("**/labels");
    await page.getByText("Printing makes a new key. It is shown on the label and never again.").waitFor();
    await page.getByLabel("Picture", { exact: true }).check();
    await page.getByLabel("Dots per inch").selectOption("300");
    await page.getByLabel("The keys work for").selectOption("7 days");
    await check(page);
    const [name, label] = await download(page, () => page.getByRole("button", { name: "Make the label" }).click());
    assert.equal(name, "labels.png");
    await heading(page, "1 label made").waitFor();
    await page.getByRole("img", { name: "The label" }).waitFor();
    await check(page);
    const link = await decoded(label);
    const [, n, k] = /\/claim#n=([^&]+)&k=([^&]+)/.exec(link);
    const [{ expirationTime, issuedAt }] = await keysOf(pump);
    assert.equal(expirationTime - issuedAt, 7 * 86_400_000);
    assert.equal((await claim({ name: decodeURIComponent(n) }, decodeURIComponent(k))).status, 200);
    const [again, same] = await download(page, () => page.getByRole("link", { name: "Save it again" }).click());
    assert.deepEqual([again, same], ["labels.png", label]);
  });
});

test("labels of a selection: owned ones are left out, and told", async () => {
  const pumps = await devices("Sheet 1", "Sheet 2", "Sheet 3");
  await claim(pumps[1], (await issue(pumps[1])).key);
  await on("/devices#textSearch=Sheet", { as: TENANT }, async (page) => {
    await page.getByLabel("Choose all on this page").check();
    await page.getByRole("button", { name: "Print labels" }).click();
    await page.getByText("3 devices: Sheet 1, Sheet 2, Sheet 3").waitFor();
    assert.equal(await page.getByLabel("Drawing", { exact: true }).isDisabled(), true);
    await page.getByLabel("Places used up on the first sheet").fill("20");
    const [name, sheet] = await download(page, () => page.getByRole("button", { name: "Make 3 labels" }).click());
    assert.deepEqual([name, sheet.subarray(0, 5).toString()], ["labels.pdf", "%PDF-"]);
    await heading(page, "2 labels made").waitFor();
    await page.getByText("1 device was left out: a customer owns it.").waitFor();
    await check(page);
    assert.deepEqual(await Promise.all(pumps.map(async (pump) => (await keysOf(pump)).length)), [1, 0, 1]);
    // Without keys, none is made.
    await page.getByLabel("No keys: name and code only").check();
    await page.getByLabel("Label printer", { exact: true }).check();
    const [, plain] = await download(page, () => page.getByRole("button", { name: "Make 3 labels" }).click());
    assert.equal(plain.toString().match(/\^XA/g).length, 3);
    assert.deepEqual(await Promise.all(pumps.map(async (pump) => (await keysOf(pump)).length)), [1, 0, 1]);
  });
});

test("labels by a search, and what the service refuses", async () => {
  await devices("Find me A", "Find me B", "汉字 find");
  await on("/labels", { as: TENANT, expected: REFUSED }, async (page) => {
    await page.getByRole("button", { name: "Make labels" }).click();
    await page.getByText("Please say first for which devices.").waitFor();
    assert.ok(await page.getByLabel("Name, label, type or owner has").evaluate((field) => field === document.activeElement));
    await page.getByLabel("Name, label, type or owner has").fill("find me");
    await page.getByText("2 devices: Find me A, Find me B").waitFor();
    await page.getByLabel("Letter sheets").check();
    await page.getByText("Printing makes 2 new keys. They are shown on the labels and never again.").waitFor();
    await checkAll(page);
    await page.getByLabel("Name, label, type or owner has").fill("汉字");
    await page.getByText("1 device: 汉字 find").waitFor();
    await page.getByRole("button", { name: "Make the label" }).click();
    await page.getByRole("alert").getByText("That did not work.").waitFor();
    await checkAll(page);
  });
});

test("labels of all devices, and of those in a state", async () => {
  const [free, owned] = await devices("Stated 1", "Stated 2");
  await claim(owned, (await issue(owned)).key);
  const { data: { totalElements: total } } = await api(TENANT, "GET", "api/devices/claiming?pageSize=1&page=0");
  await on("/labels", { as: TENANT }, async (page) => {
    await page.getByLabel("All devices").check();
    await page.getByRole("button", { name: `Make ${total} labels` }).waitFor();
    assert.ok(await page.getByLabel("State", { exact: true }).isDisabled());
    await page.getByLabel("No keys: name and code only").check();
    await page.getByLabel("Label printer", { exact: true }).check();
    const [, all] = await download(page, () => page.getByRole("button", { name: `Make ${total} labels` }).click());
    assert.equal(all.toString().match(/\^XA/g).length, total);
    await page.getByLabel("All devices").uncheck();
    await page.getByRole("button", { name: "Make labels" }).waitFor();
    await page.getByLabel("Name, label, type or owner has").fill("Stated");
    await page.getByLabel("State", { exact: true }).selectOption("Not owned");
    await page.getByText("1 device: Stated 1").waitFor();
    await page.getByLabel("A new key for each device").check();
    await checkAll(page);
    await download(page, () => page.getByRole("button", { name: "Make the label" }).click());
    assert.deepEqual((await Promise.all([free, owned].map(keysOf))).map((keys) => keys.length), [1, 0]);
  });
});

test("what was found before is not printed once somebody types on", async () => {
  await devices("Typed A", "Typed B");
  await on("/labels", { as: TENANT }, async (page) => {
    const asked = [];
    page.on("request", (request) => request.url().endsWith("/api/devices/labels") && asked.push(request.url()));
    await page.getByLabel("Name, label, type or owner has").fill("Typed");
    await page.getByRole("button", { name: "Make 2 labels" }).waitFor();
    await page.route("**/api/devices/claiming?*", () => {});
    await page.getByLabel("Name, label, type or owner has").fill("Typed A");
    await page.getByRole("button", { name: "Make labels" }).click();
    await page.getByText("Please say first for which devices.").waitFor();
    assert.deepEqual(asked, []);
  });
});

test("an answer that breaks off is no file", async () => {
  await devices("Broken");
  await on("/labels", { as: TENANT, expected: /ERR_|Failed to load/ }, async (page) => {
    await page.addInitScript(() => {
      const real = window.fetch;
      window.fetch = async (url, options) => {
        const answer = await real(url, options);
        const body = String(url).endsWith("/labels") && new ReadableStream({
          start(stream) {
            stream.enqueue(new Uint8Array(5_000));
            setTimeout(() => stream.error(new TypeError("network error")), 200);
          },
        });
        return body ? new Response(body, answer) : answer;
      };
    });
    await page.reload();
    await page.getByLabel("Name, label, type or owner has").fill("Broken");
    await page.getByRole("button", { name: "Make the label" }).click();
    await page.getByText("The service broke off. Nothing was saved; keys that were made are on no label.").waitFor();
    await page.getByRole("button", { name: "Try again" }).waitFor();
  });
});

test("the page by keyboard, and who may see it", async () => {
  await on("/labels", { as: TENANT }, async (page) => {
    const names = await tabbed(page);
    assert.ok(["Name, label, type or owner has", "Type", "Places used up on the first sheet", "Make labels"].every((name) => names.includes(name)), names.join());
  });
  await on("/labels", { as: AUDITOR }, async (page) => {
    await page.getByText("This page is for administrators.").waitFor();
  });
});
