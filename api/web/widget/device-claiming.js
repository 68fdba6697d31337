// <device-claiming>: lets a customer claim a device, on any page, at any deed or ThingsBoard server. docs/widget.md tells how
// it is embedded and set.

import { claimDevice } from "./claim-device.js";
import { Countdown } from "./countdown.js";
import { say, upgrade } from "./elements.js";
import { Login, tokensOf } from "./login.js";
import { codeOf, explainClaim, isAtFault, WAIT_SECONDS } from "./outcome.js";
import { canUseCamera, Scanner } from "./scanner.js";
import { ATTRIBUTES, languagesOf, settingsOf } from "./settings.js";
import { style } from "./style.js";
import { define, EN, fill, textsFor } from "./texts.js";
import { View } from "./view.js";

// The server that this file comes from, whatever prefix it stands behind.
const HOME = new URL("../", import.meta.url).href;
const connected = new Set();

export class DeviceClaiming extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  /** Adds a language, or changes texts of one: `DeviceClaiming.define("fr", {claim: "…"})`. */
  static define(language, texts) {
    define(language, texts);
    for (const element of connected) element.#translate();
  }

  #view;
  // "form", "scanning", "ready", "sign-in" or "claimed", and which of them the host knows.
  #phase = "form";
  #told = "form";
  #isBusy = false;
  // What a QR code or the host page said: {kind, name, key, expires}.
  #found = null;
  #outcome = null;
  // What waits for somebody to sign in.
  #pending = null;
  // Counts what is shown to be claimed: the answer for what is not there any more changes nothing of what is.
  #shown = 0;
  #translations = 0;
  #scanner = new Scanner({
    server: () => this.server,
    found: (code) => this.#scanned(code),
    failed: (why, values) => this.#notScanned(fill(this.#words[why], values ?? {})),
  });
  #countdown = new Countdown(() => this.#show());
  #own = null;
  #words = EN;
  #tag = "en";
  #texts = {};
  #account = null;

  constructor() {
    super();
    // No fields of the class, which would take away what the page has set before the element was known.
    /** `async ({expired}) => token or null`: the token to claim with. `expired` says that the last one was not accepted. */
    this.tokenProvider ??= null;
    /** A token to claim with, where it cannot be renewed. */
    this.token ??= null;
    /** `async ({deviceId, entity, type, direction}) => {}`: relates the claimed device to something of the page. */
    this.relate ??= null;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style()];
    this.#view = new View(root, {
      submit: (event) => {
        event.preventDefault();
        this.claim();
      },
      scan: () => this.#scan(),
      photo: () => this.#scanner.photo(),
      stop: () => this.#stopScanning(),
      typed: () => this.#typed(),
      notThis: () => !this.#isBusy && this.#tell("not-this", {}, true) && this.reset(),
      other: () => this.#signInAsOther(),
      another: () => this.reset(),
      host: this,
      signedIn: (user) => this.#signedIn(user),
      back: () => this.#back(),
      signOut: () => this.#signOut(),
    });
    root.addEventListener("keydown", ({ key }) => key === "Escape" && this.#stopScanning());
  }

  connectedCallback() {
    connected.add(this);
    document.addEventListener("visibilitychange", this.#hidden);
    upgrade(this, ["deviceName", "secretKey", "expires", "account", "texts"]);
    if (!this.#found && this.hasAttribute("name")) this.deviceName = this.getAttribute("name");
    this.#countdown.run();
    this.#translate();
  }

  disconnectedCallback() {
    connected.delete(this);
    document.removeEventListener("visibilitychange", this.#hidden);
    this.#stopScanning();
    this.#countdown.stop();
  }

  attributeChangedCallback(name, _, value) {
    if (!this.isConnected) return;
    if (name === "name") this.deviceName = value;
    if (name === "server") this.#own = null;
    this.#translate();
  }

  /** The address of the server, with a slash at the end. */
  get server() {
    const given = this.getAttribute("server");
    return given ? new URL(given.replace(/\/*$/, "/"), document.baseURI).href : HOME;
  }

  /** An account of the host page: `{token({expired}), signIn(email, password), signOut()}`. */
  set account(account) {
    this.#account = account;
  }

  get account() {
    this.#own ??= new Login(this.server);
    return this.#account ?? this.#own;
  }

  /** Texts of this element alone, by their names in `texts.js`. */
  set texts(texts) {
    this.#texts = texts ?? {};
    this.#translate();
  }

  /** The name of the device to claim. */
  set deviceName(name) {
    this.#prefill({ name: name ?? "" });
  }

  get deviceName() {
    return this.#found?.name ?? this.#view.entry.name.input.value;
  }

  /** The key to claim it with; a property only, as what stands in a page's markup is seen and kept in many places. */
  set secretKey(key) {
    this.#prefill({ key: key ?? null });
  }

  /** Milliseconds since the epoch until which that key works, if that is known. */
  set expires(at) {
    this.#prefill({ expires: at ?? null });
  }

  /** Shows a device to claim: `{name, key, expires}`, the latter two null if they are not known. */
  fill({ name, key = null, expires = null }) {
    this.#enter({ kind: "given", name, key, expires });
  }

  /** Claims what is entered or was found, as the button does. */
  async claim() {
    if (this.#isBusy || this.#countdown.isLocked) return;
    this.#outcome = null;
    const entered = this.#entered();
    this.#show();
    if (entered) await this.#claim(entered);
  }

  /** Begins anew, with nothing entered. */
  reset() {
    this.#countdown.lockedUntil = 0;
    this.#enter({ kind: "typed", name: "", key: null, expires: null });
    const { scan, photo, entry } = this.#view;
    const first = [scan.element, photo.element].find((button) => !button.hidden);
    (first ?? entry.name.input).focus();
  }

  #hidden = () => {
    if (document.hidden) this.#stopScanning();
  };

  async #translate() {
    const mine = ++this.#translations;
    const [{ tag, texts }, settings] = [await textsFor(languagesOf(this)), settingsOf(this)];
    if (mine !== this.#translations) return;
    [this.#tag, this.#words] = [tag, { ...texts, ...this.#texts, ...settings.texts }];
    this.#view.write(this.#words, tag, settings);
    this.#show();
  }

  #show() {
    if (this.#phase !== this.#told) {
      this.#told = this.#phase;
      this.#tell("phase", { phase: this.#phase });
    }
    const user = this.#own?.user;
    const [texts, tag, settings] = [this.#words, this.#tag, settingsOf(this)];
    this.#view.show({
      texts,
      settings,
      phase: this.#phase,
      isBusy: this.#isBusy,
      found: this.#found,
      outcome: this.#outcome,
      lock: this.#countdown.wait(texts, tag),
      user,
      who: user ? fill(texts.signedInAs, { email: user.email }) : "",
      canScan: settings.scans && canUseCamera(),
      canTakePhoto: settings.scans,
    });
    const validity = this.#phase === "ready" || this.#phase === "form" ? this.#countdown.validity(texts, tag) : "";
    say(this.#view.countdown, validity);
    const aloud = validity && this.#countdown.aloud(texts, tag);
    if (aloud) this.#view.aloud.textContent = aloud;
  }

  #prefill(part) {
    const before = this.#found ?? { kind: "given", name: this.#view.entry.name.input.value, key: null, expires: null };
    this.#enter({ ...before, ...part });
  }

  // With everything that it takes, it is shown to be confirmed; else there is something to type.
  #enter(found) {
    this.#scanner.stop();
    this.#shown += 1;
    this.#isBusy = false;
    this.#found = found;
    this.#phase = this.#begun;
    this.#outcome = null;
    this.#view.entry.put(found.name, found.key);
    this.#countdown.expire(found.expires);
    this.#show();
  }

  get #begun() {
    const isWhole = this.#found?.name && (this.#found.key !== null || settingsOf(this).hidesKey);
    return isWhole ? "ready" : "form";
  }

  // Of what was found no more counts than the name, once somebody types.
  #typed() {
    const isSame = this.#found?.name === this.#view.entry.name.input.value;
    this.#found = isSame ? { ...this.#found, key: null, expires: null } : null;
    this.#countdown.expire(null);
    this.#outcome = null;
    this.#show();
  }

  #entered() {
    if (this.#phase === "ready") return this.#found;
    const entered = this.#view.entry.read(this.#words, settingsOf(this).hidesKey);
    return entered && { kind: this.#found?.kind ?? "typed", ...entered };
  }

  async #claim(entered) {
    const mine = this.#shown;
    this.#busy(true);
    this.#view.aloud.textContent = this.#words.inProgress;
    try {
      const device = await claimDevice(this.server, entered, tokensOf(this));
      if (device) this.#succeeded(device, mine);
      else if (mine === this.#shown) this.#askToSignIn(entered);
    } catch (refusal) {
      this.#refused(refusal, entered, mine);
    }
    if (mine === this.#shown) this.#busy(false);
  }

  #busy(isBusy) {
    this.#isBusy = isBusy;
    this.#show();
  }

  #succeeded(device, mine) {
    if (mine === this.#shown) this.#showSuccess(device);
    this.#tell("claimed", { device, server: this.server });
    const relation = settingsOf(this).relation;
    if (relation) this.#relate({ deviceId: device.id?.id ?? null, ...relation }, mine);
  }

  #showSuccess(device) {
    this.#view.claimedName.textContent = device.name ?? "";
    this.#view.relateFailed.show(null);
    this.#found = null;
    this.#view.entry.put("", "");
    this.#countdown.expire(null);
    this.#phase = "claimed";
    this.#show();
    this.#view.success.focus();
  }

  async #relate(detail, mine) {
    this.#tell("relate", detail);
    try {
      await this.relate?.(detail);
    } catch {
      if (mine === this.#shown) this.#view.relateFailed.show({ title: this.#words.relateFailed });
    }
  }

  #refused(refusal, entered, mine) {
    const code = codeOf(refusal);
    const { status, detail, retryAfter, requestId } = refusal;
    if (mine === this.#shown) this.#showRefusal(refusal, code, entered);
    this.#tell("refused", { name: entered.name, code, status, detail, retryAfter, requestId });
  }

  #showRefusal(refusal, code, entered) {
    const { hidesKey, own } = settingsOf(this);
    const [texts, tag] = [this.#words, this.#tag];
    if (refusal.status === 429) this.#countdown.lock(refusal.retryAfter ?? WAIT_SECONDS);
    // What was found is laid open to be put right, but where it is not at fault.
    if (this.#phase === "ready" && isAtFault(code)) this.#phase = "form";
    // A key that has run out is worth nothing any more: there is place for the next.
    if (code === "key_expired") {
      this.#found &&= { ...this.#found, key: null };
      this.#view.entry.put(entered.name, "");
    }
    if (refusal.status === 400) this.#countdown.expire(null);
    this.#outcome = explainClaim(refusal, { texts, tag, hidesKey, own });
    this.#view.entry.refuse(code, entered, texts);
  }

  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }));
  }

  #askToSignIn(entered) {
    this.#pending = entered;
    if (!this.#tell("sign-in-needed", {}, true)) return;
    const texts = this.#words;
    if (!settingsOf(this).signsIn || !this.account.signIn) {
      this.#outcome = { title: texts.signInNeeded };
      return;
    }
    this.#phase = "sign-in";
    this.#show();
    this.#view.signIn.open(entered?.name);
  }

  #signedIn(user) {
    this.#tell("signed-in", { user });
    this.#leaveSignIn();
    if (this.#pending) this.#claim(this.#pending);
  }

  #leaveSignIn() {
    this.#phase = this.#begun;
    this.#show();
    this.#view.claim.focus();
  }

  #back() {
    this.#view.signIn.forget();
    this.#pending = null;
    this.#leaveSignIn();
  }

  #signOut() {
    this.account.signOut?.();
    this.#countdown.lockedUntil = 0;
    if (this.#phase === "claimed") this.reset();
    else this.#show();
    this.#view.claim.focus();
  }

  async #signInAsOther() {
    await this.account.signOut?.();
    // Who had to wait is somebody else.
    this.#countdown.lockedUntil = 0;
    this.#outcome = null;
    this.#askToSignIn(this.#entered());
  }

  #scan() {
    this.#outcome = null;
    this.#phase = "scanning";
    this.#show();
    this.#view.stop.element.focus();
    this.#scanner.start(this.#view.video);
  }

  #stopScanning() {
    this.#scanner.stop();
    if (this.#phase !== "scanning") return;
    this.#phase = "form";
    this.#show();
    this.#view.scan.element.focus();
  }

  #scanned(code) {
    this.#enter(code);
    this.#view.aloud.textContent = fill(this.#words.found, code);
    if (this.#phase === "ready") this.#view.claim.focus();
    else this.#view.entry.key.input.focus();
  }

  #notScanned(title) {
    this.#stopScanning();
    this.#outcome = { title };
    this.#show();
  }
}

if (!customElements.get("device-claiming")) customElements.define("device-claiming", DeviceClaiming);
