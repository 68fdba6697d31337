// The documentation of the API, from the OpenAPI document that the service serves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, URL_OF_SERVICE, checkAll, on, tabbed } from "./support.mjs";

const METHODS = ["get", "post", "put", "patch", "delete"];
const CLAIM = "post-/api/customer/device/{deviceName}/claim";
const document_ = await (await fetch(`${URL_OF_SERVICE}/api/openapi.json`)).json();
const operations = Object.entries(document_.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({ id: `${method}-${path}`, ...item[method] })));

const operation = (page, id) => page.locator(`[id="${id}"]`);

async function ready(page) {
  await page.getByText(`${operations.length} operations`).waitFor();
}

test("every operation is there, under the subject that it has in the document", async () => {
  await on("/api-docs", {}, async (page) => {
    await ready(page);
    const shown = await page.locator(".sections > section").evaluateAll((sections) => sections.map((section) => ({
      title: section.querySelector("h2").textContent,
      about: section.querySelector("p").textContent,
      ids: [...section.querySelectorAll("details")].map(({ id }) => id),
    })));
    assert.deepEqual(shown.flatMap(({ ids }) => ids).toSorted(), operations.map(({ id }) => id).toSorted());
    for (const { title, about, ids } of shown) {
      assert.ok(about.length > 5, `${title} has no description`);
      const tags = new Set(ids.map((id) => operations.find((one) => one.id === id).tags[0].toLowerCase()));
      assert.deepEqual([...tags], [title.toLowerCase()]);
    }
  });
});

test("all that unfolds can be unfolded, and says what the document says", async () => {
  await on("/api-docs", {}, async (page) => {
    await ready(page);
    const texts = await page.evaluate(async (ids) => {
      const unfold = (details) => new Promise((resolve) => {
        details.addEventListener("toggle", resolve, { once: true });
        details.open = true;
      });
      const told = {};
      for (const id of ids) {
        const element = document.getElementById(id);
        await unfold(element);
        // As deep as somebody goes; what refers to itself never ends.
        for (let depth = 0; depth < 4; depth += 1) {
          await Promise.all([...element.querySelectorAll(".fold:not([open])")].map(unfold));
        }
        told[id] = element.textContent;
        element.remove();
      }
      return told;
    }, operations.map(({ id }) => id));
    for (const { id, summary, responses, parameters = [] } of operations) {
      const text = texts[id];
      const names = [...parameters.map(({ name }) => name), ...Object.keys(responses), summary];
      assert.deepEqual(names.filter((name) => !text.includes(name)), [], id);
      for (const slip of ["undefined", "[object", "NaN", "`"]) {
        assert.ok(!text.includes(slip), `${slip} in ${id}`);
      }
    }
  });
});

test("an address leads to an operation, which says how it is called", async () => {
  await on(`/api-docs#${CLAIM}`, { viewport: PHONE }, async (page) => {
    const claim = operation(page, CLAIM);
    await claim.getByText("Any active key of the device makes").waitFor();
    await page.waitForFunction((id) => document.getElementById(id).querySelector("summary") === document.activeElement, CLAIM);
    const { y } = await claim.boundingBox();
    assert.ok(y >= 0 && y < 200, `it is at ${y}`);
    await claim.getByText("What a refusal looks like").click();
    await claim.getByText("Example", { exact: true }).first().click();
    await claim.getByText('"secretKey": "7KQM-2WXR-HT4P-9BDE"').waitFor();
    await checkAll(page);
    const command = await claim.locator("pre").last().innerText();
    assert.equal(command, [
      `curl -X POST "${URL_OF_SERVICE}/api/customer/device/$deviceName/claim"`, '-H "X-Authorization: Bearer $TOKEN"',
      '-H "Content-Type: application/json"', `-d '{"secretKey":"7KQM-2WXR-HT4P-9BDE"}'`,
    ].join(" \\\n  "));
  });
});

test("what is opened is in the address, and another address opens it", async () => {
  await on("/api-docs", {}, async (page) => {
    await ready(page);
    await operation(page, "get-/api/auth/user").locator("summary").click();
    await page.waitForURL("**/api-docs#get-/api/auth/user");
    await page.goto(`${URL_OF_SERVICE}/api-docs#get-/health/ready`);
    await operation(page, "get-/health/ready").getByText("Without signing in.").waitFor();
    await page.goto(`${URL_OF_SERVICE}/api-docs#nothing`);
    await page.goto(`${URL_OF_SERVICE}/api-docs#%`);
    await page.getByRole("link", { name: "Claiming" }).click();
    assert.ok((await page.getByRole("heading", { name: "Claiming" }).boundingBox()).y < 200);
  });
});

test("an operation is found by what it is called and what it does", async () => {
  await on("/api-docs", {}, async (page) => {
    await ready(page);
    const search = page.getByLabel("Find an operation");
    await search.fill("delete claim key");
    await page.getByRole("status").filter({ hasText: `of ${operations.length} operations` }).waitFor();
    const visible = await page.locator(".operation:visible").evaluateAll((all) => all.map(({ id }) => id));
    assert.ok(visible.includes("delete-/api/devices/{deviceId}/claim-keys/{keyId}"), String(visible));
    assert.ok(visible.length < 8, String(visible));
    await checkAll(page);
    await search.fill("nobody calls it that");
    await page.getByText("Nothing here is called that.").waitFor();
    await checkAll(page);
    await search.fill("");
    await ready(page);
  });
});

test("by keyboard, and copied", async () => {
  await on("/api-docs", { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    await ready(page);
    await page.getByLabel("Find an operation").fill("/api/auth/login sign");
    await page.locator("#main").focus();
    const names = await tabbed(page);
    assert.ok(names.some((name) => name.includes("Find an operation")), String(names));
    assert.ok(names.some((name) => name.includes("/api/auth/login")), String(names));
    const login = operation(page, "post-/api/auth/login");
    await login.locator("summary").first().focus();
    await page.keyboard.press("Enter");
    await login.getByRole("button", { name: "Copy" }).last().focus();
    await page.keyboard.press("Enter");
    await page.getByText("Copied.").waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl -X POST "http.*\/api\/auth\/login"/);
  });
});

test("a document that did not come can be asked for again, and the rest of the page stays", async () => {
  await on(null, { expected: /status of 503/ }, async (page) => {
    await page.route("**/api/openapi.json", (route) => route.fulfill({ status: 503, json: { detail: "Away." } }), { times: 1 });
    await page.goto(`${URL_OF_SERVICE}/api-docs`);
    await page.getByRole("alert").getByText("Away.").waitFor();
    assert.ok(await page.getByRole("heading", { name: "Signing in" }).isVisible());
    await page.getByRole("button", { name: "Try again" }).click();
    await ready(page);
  });
});

test("without script it leads to the document", async () => {
  await on("/api-docs", { javaScriptEnabled: false }, async (page) => {
    assert.ok(await page.getByRole("heading", { name: "Signing in" }).isVisible());
    assert.ok(await page.getByRole("main").getByRole("link", { name: "OpenAPI document" }).first().isVisible());
  });
});
