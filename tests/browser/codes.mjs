// Pictures of QR codes, drawn by a renderer of label printers' language that is not ours.

import { createRequire } from "node:module";

const require = createRequire(`${process.env.DEED_BROWSER}/`);
const { ready } = require("zpl-renderer-js");

const DOTS_PER_MM = 8;

/** A PNG picture, 50 mm square, with the text as a QR code of level `M` whose modules are so many dots wide. */
export async function picture(text, { dots = 6, level = "M" } = {}) {
  const { api } = await ready;
  const escaped = [...Buffer.from(text)].map((byte) => `_${byte.toString(16).padStart(2, "0").toUpperCase()}`).join("");
  const label = `^XA^CI28^FO40,40^BQN,2,${dots}^FH_^FD${level}A,${escaped}^FS^XZ`;
  return Buffer.from(await api.zplToBase64Async(label, 60, 60, DOTS_PER_MM), "base64");
}

/** Raw video of a grey picture (`luma`, one byte a point) that stands still, as Chromium's pretended camera plays it. */
export function video(luma, width, height, frames = 5) {
  const frame = Buffer.concat([Buffer.from("FRAME\n"), Buffer.from(luma), Buffer.alloc((width * height) / 2, 128)]);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`), ...Array(frames).fill(frame)]);
}
