// Devices from a file: how it is read, what its columns are taken for, progress, failures with the file's own lines, cancelling.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { CUSTOMER, MARK, TENANT, URL_OF_SERVICE, api, check, checkAll, on, signIn, tabbed } from "./support.mjs";

/** What `work` gives of each of `cases`, in the page. */
async function inPage(work, cases) {
  let given;
  await on("/import", {}, async (page) => {
    given = await page.evaluate(work, cases);
  });
  return given;
}

/** The records of each text, or what is wrong with it. */
const read = (texts, delimiter = ",") => inPage(async ([all, between]) => {
  const { records } = await import("/web/csv.js");
  return all.map((text) => {
    try {
      return [...records(text, between)].map(({ line, cells }) => [line, ...cells]);
    } catch (error) {
      return error.message;
    }
  });
}, [texts, delimiter]);

test("a text is read as the service reads it", async () => {
  const cases = [
    ["a,b\n1, 2 \n", [[1, "a", "b"], [2, "1", " 2 "]]],
    ["a\r\nb\rc", [[1, "a"], [2, "b"], [3, "c"]]],
    ["\ufeffa,\n\n\r\n,b", [[1, "a", ""], [4, "", "b"]]],
    ["a,", [[1, "a", ""]]],
    ["", []],
    ["\n\n", []],
    ['"a,""b""\nc",d\nx', [[1, 'a,"b"\nc', "d"], [3, "x"]]],
    ['"a\r\nb\rc"\nx', [[1, "a\r\nb\rc"], [4, "x"]]],
    ['"","" \t,a"b', [[1, "", "", 'a"b']]],
    ['""\n', [[1, ""]]],
    ['a\nb,"c"d\n', "Line 2: a quoted cell is followed by something other than a delimiter or the end of the line"],
    ['x,{"k":1,"e":2}', "Line 1: a quoted cell is followed by something other than a delimiter or the end of the line"],
    ['"a\nb" x', "Line 2: a quoted cell is followed by something other than a delimiter or the end of the line"],
    ['a\nb,"c\n\nd', "Line 2: a quoted cell is not closed"],
    ['a,"b""c', "Line 1: a quoted cell is not closed"],
  ];
  assert.deepEqual(await read(cases.map(([text]) => text)), cases.map(([, expected]) => expected));
  assert.deepEqual(await read(['a\t"b"\tc'], "\t"), [[[1, "a", "b", "c"]]]);
});

test("what is written is read as it was, and takes as many lines", async () => {
  const rows = [["a,b", 'c"d', "e\r\nf"], [""], ["x", "", " y "], ["\r", "\n"]];
  const texts = await inPage(async (all) => {
    const { linesOf, written } = await import("/web/csv.js");
    return all.map((cells) => [`${written(cells)}\nz`, linesOf(written(cells))]);
  }, rows);
  const expected = rows.map((cells, i) => [[1, ...cells], [1 + texts[i][1], "z"]]);
  assert.deepEqual(await read(texts.map(([text]) => text)), expected);
});

test("what stands between cells, and what columns are, is guessed", async () => {
  const delimiters = { "a,b;c,d": ",", "\na;b": ";", "a\tb": "\t", "a|b": "|", a: ",", "": "," };
  const kinds = { Name: "name", secret_key: "secretkey", "EXPIRATION-TIME": "expirationtime", "server:Room 1": "server",
    "Shared: x": "shared", "server:claimingData": "claimingdata", "claiming allowed": "claimingallowed", server: "", "server:": "",
    key: "", toString: "", "": "" };
  const chosen = [["name", "", "", "server", "server", "secretkey", "expirationtime"], ["type"], ["name", "name"],
    ["name", "claimingdata", "secretkey"], ["name", "expirationtime"]];
  const given = await inPage(async ([texts, headings, all]) => {
    const { fault, guess, keyOf } = await import("/web/columns.js");
    const { delimiterOf } = await import("/web/csv.js");
    return [texts.map(delimiterOf), headings.map(guess), keyOf("server: Room 1 "), all.map((words) => fault(words)?.at(-1))];
  }, [Object.keys(delimiters), Object.keys(kinds), chosen]);
  assert.deepEqual(given, [Object.values(delimiters), Object.values(kinds), "Room 1", [undefined, ".", ".", ".", "."]]);
});

test("what is sent of a file, and what is not", async () => {
  const text = "name;key;until;gateway;server:Room\nA;k1;;true;1\nB;k2;1999;;\nC;k3;2200-01-01T00:00:00Z;;\nA;;;;\n" +
    "D;;soon;;\nE;x;soon;;\nF;;;yes;\n";
  const headings = ["name", "key", "until", "gateway", "server:Room"];
  const kinds = ["name", "secretkey", "expirationtime", "gateway", "server"];
  const plan = await inPage(async ([file, choice]) => {
    const { prepare } = await import("/web/importing.js");
    return prepare(file, choice, 10_000);
  }, [text, { delimiter: ";", header: true, headings, kinds, lifeMs: 500 }]);
  assert.deepEqual(plan.columns.map(({ type, key }) => [type, key]),
    [["NAME", undefined], ["IS_GATEWAY", undefined], ["SERVER_ATTRIBUTE", "Room"], ["SERVER_ATTRIBUTE", "claimingData"]]);
  assert.deepEqual(plan.rows.map(({ line, sent }) => [line, sent]), [
    [2, 'A,true,1,"{""secretKey"":""k1"",""expirationTime"":10500}"'],
    [4, 'C,,,"{""secretKey"":""k3"",""expirationTime"":7258118400000}"'],
    [6, "D,,,"],
  ]);
  assert.deepEqual(plan.failed.map(({ line, why }) => [line, why]), [
    [3, "expirationTime has passed"],
    [5, "Line 2 has the same name"],
    [7, "expirationTime is neither a time as of RFC 3339 nor milliseconds since the epoch"],
    [8, "gateway must be true or false"],
  ]);
});

const fileOf = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

async function withFile(options, file, work) {
  await on("/import", { as: TENANT, ...options }, async (page) => {
    await page.getByLabel("A file of devices").setInputFiles(file);
    await work(page);
  });
}

const importButton = (page) => page.getByRole("button", { name: "Import", exact: true });

test("a file is imported with its keys, and what fails is told with its own lines", async () => {
  const lines = ["name,type,Label,secretKey,server:Room,notes"];
  for (let i = 1; i <= 1_200; i += 1) {
    lines.push(`I-${i},valve,${i % 100 === 0 ? '"over\ntwo lines, too"' : `Label ${i}`},${MARK}-${i},Hall,x`);
  }
  // The quoted ends of lines before are counted.
  lines.push("I-7,valve,,,,", ",valve,,,,", "I-x,va\u0001lve,,,,", "I-last,valve,,,,");
  const file = fileOf("devices.csv", `${lines.join("\r\n")}\r\n`);
  await withFile({ acceptDownloads: true }, file, async (page) => {
    await page.getByRole("heading", { name: "What the columns are" }).waitFor();
    assert.equal(await page.getByText(MARK).count(), 0, "keys are not shown");
    await check(page);
    for (const [column, kind] of [["name", "name"], ["Label", "label"], ["secretKey", "secretkey"], ["server:Room", "server"], ["notes", ""]]) {
      assert.equal(await page.getByLabel(`What ${column} is`, { exact: true }).inputValue(), kind);
    }
    await importButton(page).click();
    await page.getByRole("heading", { name: "devices.csv is imported" }).waitFor();
    assert.equal(await page.getByRole("progressbar").evaluate((bar) => bar.value / bar.max), 1);
    await page.getByText("1,203 of 1,203 devices, 1,201 new, 0 changed, 3 lines failed").waitFor();
    const failed = await page.getByRole("table").locator("tbody tr").allInnerTexts();
    assert.deepEqual(failed.map((row) => row.split("\t")), [
      ["1214", "Line 8 has the same name"], ["1215", "Device name should be specified!"],
      ["1216", "Validation error: type must not contain control characters"],
    ]);
    await check(page);
    const [download] = await Promise.all([
      page.waitForEvent("download"), page.getByRole("button", { name: "Save the lines that failed" }).click(),
    ]);
    const saved = await readFile(await download.path(), "utf8");
    assert.equal(saved, `${lines[0]}\n${lines.slice(1_201, 1_204).join("\n")}\n`);
    assert.equal(download.suggestedFilename(), "failed-devices.csv");
  });
  const { data } = await api(TENANT, "GET", "api/tenant/devices?deviceName=I-1100");
  assert.equal(data.label, "over\ntwo lines, too");
  const claimed = await api(CUSTOMER, "POST", "api/customer/device/I-1100/claim", { secretKey: `${MARK}-1100` });
  assert.equal(claimed.status, 200);
});

test("devices that are there are changed, or left as they are", async () => {
  for (const [choice, label, told] of [
    ["are left as they are", "first", "1 of 1 device, 0 new, 1 there already, 0 lines failed"],
    ["are changed to what the file says", "second", "1 of 1 device, 0 new, 1 changed, 0 lines failed"],
  ]) {
    await api(TENANT, "POST", "api/device", { name: `Known ${label}`, label: "first" });
    await withFile({}, fileOf("known.csv", `name;label\nKnown ${label};second\n`), async (page) => {
      await page.getByLabel(choice).check();
      await importButton(page).click();
      await page.getByText(told).waitFor();
    });
    const { data } = await api(TENANT, "GET", `api/tenant/devices?deviceName=Known%20${label}`);
    assert.equal(data.label, label);
  }
});

test("a file that makes no sense is not sent", async () => {
  const sent = [];
  await on("/import", {}, async (page) => {
    page.on("request", (request) => request.url().includes("bulk_import") && sent.push(request.url()));
    await signIn(page, TENANT);
    const input = page.getByLabel("A file of devices");
    await input.setInputFiles({ name: "latin.csv", mimeType: "text/csv", buffer: Buffer.from([0x6e, 0xe4, 0x0a]) });
    await page.getByText("latin.csv: this is not UTF-8.").waitFor();
    await input.setInputFiles(fileOf("empty.csv", "\n"));
    await page.getByText("empty.csv: there is nothing in it.").waitFor();
    await check(page);
    await input.setInputFiles(fileOf("quote.csv", "type,x\na,1\nb,\"2\n"));
    await page.getByText("Line 3: a quoted cell is not closed.").waitFor();
    await page.getByRole("button", { name: "Another file" }).click();
    await input.setInputFiles(fileOf("cells.csv", `type,x\n${"a,1\n".repeat(9)}b,2,3\n`));
    await importButton(page).click();
    await page.getByText("One column has to be the name.").waitFor();
    await check(page);
    await page.getByLabel("What x is").selectOption("Name");
    await importButton(page).click();
    await page.getByText("Line 11: there are more cells than columns.").waitFor();
    await page.getByLabel("The first line has the names of the columns").uncheck();
    assert.equal(await page.getByLabel("What Column 1 is").inputValue(), "name");
  });
  assert.deepEqual(sent, []);
});

const many = (begin, count) => `name\n${Array.from({ length: count }, (_, i) => `${begin}-${i}\n`).join("")}`;

test("an import can be cancelled: what is on its way is waited for", async () => {
  await withFile({}, fileOf("many.csv", many("C", 2_000)), async (page) => {
    let slices = 0;
    await page.route("**/api/device/bulk_import", async (route) => {
      slices += 1;
      if (slices === 2) {
        await page.getByRole("button", { name: "Cancel" }).click();
      }
      await route.continue();
    });
    await importButton(page).click();
    await page.getByRole("heading", { name: "Cancelled after 1,000 devices" }).waitFor();
    await page.getByRole("button", { name: "Print labels for these 1,000 devices" }).waitFor();
    assert.equal(slices, 2);
  });
  const { data } = await api(TENANT, "GET", "api/tenant/devices?pageSize=1&page=0&textSearch=C-");
  assert.equal(data.totalElements, 1_000);
});

test("a service that is busy or away is waited for, and another refusal can be tried again", async () => {
  await withFile({ fresh: true, expected: /status of [45]\d\d|ERR_FAILED/ }, fileOf("busy.csv", many("B", 600)), async (page) => {
    const answers = [{ status: 503, headers: { "Retry-After": "1" }, json: { code: "busy" } }, null,
      { status: 400, json: { code: "x", detail: "No, not this." } }];
    await page.route("**/api/device/bulk_import", async (route) => {
      const answer = answers.length > 0 ? answers.shift() : undefined;
      await (answer ? route.fulfill(answer) : answer === null ? route.abort() : route.continue());
    });
    await page.clock.install();
    await importButton(page).click();
    await page.getByText("The service is busy. Going on in 1 s …").waitFor();
    await page.clock.runFor(1_000);
    await page.getByText("The service cannot be reached. Going on in 4 s …").waitFor();
    await page.clock.runFor(4_000);
    await page.getByRole("alert").getByText("No, not this.").waitFor();
    await check(page);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("600 of 600 devices, 600 new, 0 changed, 0 lines failed").waitFor();
  });
});

test("it is for administrators, in every window, and by keyboard", async () => {
  await on("/import", { as: TENANT }, async (page) => {
    await page.getByText("What the file looks like").click();
    await checkAll(page);
    await page.getByLabel("A file of devices").setInputFiles(fileOf("a.csv", "name,label,server:A long name of an attribute\nx,y,z\n"));
    await page.getByRole("heading", { name: "What the columns are" }).waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.textContent === "What the columns are"));
    await checkAll(page);
    const names = await tabbed(page);
    assert.ok(["What name is", "Import", "Another file"].every((name) => names.includes(name)), names.join());
  });
  await on("/import", { as: CUSTOMER }, async (page) => {
    await page.getByText("This page is for administrators.").waitFor();
  });
  const plain = await fetch(`${URL_OF_SERVICE}/import`);
  assert.match(await plain.text(), /<noscript>/);
});
