// Reads QR codes: from the camera as it goes, or from a photo. Pictures stay in the browser.

const EVERY_MS = 150;
// A photo is read at this size at most, and a frame of the camera: QR codes of labels are plain enough.
const PHOTO_EDGE = 1600;
const FRAME_EDGE = 800;

let reader;

// The browser's own reader where it has one; else ours, which is fetched only then.
function qrReader() {
  reader ??= ownReader();
  return reader;
}

async function ownReader() {
  const formats = "BarcodeDetector" in globalThis ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
  if (formats.includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (canvas) => (await detector.detect(canvas))[0]?.rawValue ?? null;
  }
  const { decode } = await import("./qr-reader.js");
  return async (canvas) => {
    const { width, height } = canvas;
    return decode(canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height));
  };
}

/** Draws the picture with its longer edge at most `edge` long. */
function drawn(canvas, source, width, height, edge) {
  const scale = Math.min(1, edge / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The text of the QR code in a picture file, or null if none is found. Throws if it is no picture. */
export async function readPhoto(file) {
  const read = await qrReader();
  const bitmap = await createImageBitmap(file);
  try {
    // Smaller pictures have less grain, larger ones more of a small code.
    for (const edge of [FRAME_EDGE, PHOTO_EDGE]) {
      const text = await read(drawn(document.createElement("canvas"), bitmap, bitmap.width, bitmap.height, edge));
      if (text || Math.max(bitmap.width, bitmap.height) <= edge) return text;
    }
    return null;
  } finally {
    bitmap.close();
  }
}

/** The camera while it is on. */
export class Camera {
  #stream = null;
  #video = null;
  #timer = 0;
  #isOn = false;

  /**
   * Shows what the camera sees in `video` and calls `found` with each text that is read, until `stop`. Throws what the
   * browser says if there is no camera or it may not be used.
   */
  async start(video, found) {
    this.#isOn = true;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 } } });
    // It may have been stopped while the person was asked.
    if (!this.#isOn) return end(stream);
    [this.#stream, this.#video] = [stream, video];
    video.srcObject = stream;
    await video.play();
    const [read, canvas] = [await qrReader(), document.createElement("canvas")];
    const look = async () => {
      if (!this.#isOn) return;
      const { videoWidth: width, videoHeight: height } = video;
      const text = width ? await read(drawn(canvas, video, width, height, FRAME_EDGE)).catch(() => null) : null;
      if (!this.#isOn) return;
      if (text) found(text);
      this.#timer = setTimeout(look, EVERY_MS);
    };
    look();
  }

  stop() {
    this.#isOn = false;
    clearTimeout(this.#timer);
    if (!this.#stream) return;
    end(this.#stream);
    this.#video.srcObject = null;
    this.#stream = null;
  }
}

function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}
