// Scanning, as the element offers it. What reads pictures is fetched when somebody scans.

import { read } from "./content.js";
import { h } from "./elements.js";

/** Whether there is a camera to ask for: browsers give one to pages over https only. */
export const canUseCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

const WHY = { NotAllowedError: "cameraRefused", SecurityError: "cameraRefused", NotFoundError: "noCamera", OverconstrainedError: "noCamera" };

// So much of what cannot be understood is shown.
const SHOWN = 80;

export class Scanner {
  #camera = null;
  // How often it was started or stopped: what was begun before the last time is not wanted any more.
  #turn = 0;

  /**
   * `found` is called with what a QR code says of a device, as `content.js` reads it; `failed` with the name of the text that
   * says why there is nothing, and what to put in. `server()` is where this service is.
   */
  constructor({ server, found, failed }) {
    Object.assign(this, { server, found, failed });
  }

  async start(video) {
    const turn = ++this.#turn;
    try {
      const { Camera } = await import("./camera.js");
      if (turn !== this.#turn) return;
      this.#camera = new Camera();
      await this.#camera.start(video, (text) => this.#take(text));
    } catch (error) {
      if (turn === this.#turn) this.failed(WHY[error.name] ?? "cameraFailed");
    }
  }

  stop() {
    this.#turn += 1;
    this.#camera?.stop();
    this.#camera = null;
  }

  /** Lets somebody choose a photo. Where the camera cannot be shown in the page, a telephone's own one takes it. */
  photo() {
    const input = h("input", { type: "file", accept: "image/*", ...(canUseCamera() ? {} : { capture: "environment" }) });
    input.addEventListener("change", async () => {
      try {
        const { readPhoto } = await import("./camera.js");
        const text = await readPhoto(input.files[0]);
        if (text) this.#take(text);
        else this.failed("noCode");
      } catch (error) {
        this.failed(error.name === "InvalidStateError" ? "noPicture" : "scanUnavailable");
      }
    });
    input.click();
  }

  #take(text) {
    const code = read(text, this.server());
    if (code.kind === "elsewhere") this.failed("elsewhere", code);
    else if (code.kind === "unknown") this.failed("unknownCode", { text: text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text });
    else this.found(code);
  }
}
