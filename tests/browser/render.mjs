// Renders a label as a picture: `node render.mjs <file.zpl|file.svg> <picture.png>`, at 203 dots per inch and more.
//
// ZPL by zebrash, which draws codes and text itself as a printer does; SVG by Chromium.

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.DEED_BROWSER}/`);
const [, , source, picture] = process.argv;
const label = await readFile(source, "utf8");

async function zpl() {
  const { api } = await require("zpl-renderer-js").ready;
  const [, width, height] = label.match(/\^PW(\d+)\^LL(\d+)/);
  // Dots of an inch are 203 here, whatever the label was made for: only their number matters.
  const millimetres = (dots) => Number(dots) / 8;
  const encoded = await api.zplToBase64Async(label, millimetres(width), millimetres(height), 8);
  await writeFile(picture, Buffer.from(encoded, "base64"));
}

async function svg() {
  const { chromium } = require("playwright-core");
  const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  try {
    const page = await browser.newPage({ deviceScaleFactor: 3 });
    await page.setContent(label);
    await page.locator("svg").screenshot({ path: picture });
  } finally {
    await browser.close();
  }
}

await (source.endsWith(".zpl") ? zpl() : svg());
