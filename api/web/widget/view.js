// What is in the element's shadow: everything is made once, and `update` says what of it is shown.

import { h, icon, say, set } from "./elements.js";
import { Entry } from "./entry.js";
import { Notice } from "./parts.js";
import { SignInForm } from "./sign-in-form.js";

export class View {
  constructor(root, actions) {
    this.heading = h("h2", { part: "heading", id: "heading" });
    this.refused = new Notice("alert");
    // Read out, never seen: what a sighted person sees change.
    this.aloud = h("p", { class: "unseen", role: "status" });
    this.form = this.#form(actions);
    this.signIn = new SignInForm(actions);
    this.claimed = this.#claimed(actions);
    this.who = h("p", { class: "small muted" });
    this.signOut = h("button", { type: "button", class: "plain small", part: "button", onclick: actions.signOut });
    this.account = h("div", { class: "account", hidden: true }, this.who, this.signOut);
    // Hidden until there are texts, in whichever language.
    this.card = h("section", { class: "card", hidden: true }, this.heading, this.form, this.signIn.element, this.claimed, this.account, this.aloud);
    root.append(this.card);
  }

  #form(actions) {
    this.intro = h("p", { class: "muted" });
    const button = (kind, drawn, onclick, part = "button") => {
      const text = h("span");
      return { text, element: h("button", { type: "button", class: kind, part, onclick }, ...(drawn ? [icon(drawn)] : []), text) };
    };
    this.scan = button("second", "scan", actions.scan, "button scan-button");
    this.photo = button("plain", "photo", actions.photo, "button scan-button");
    this.or = h("p", { class: "or" });
    this.scanning = h("div", { class: "scan" }, this.scan.element, this.photo.element);
    this.video = h("video", { muted: true, playsinline: true, "aria-hidden": "true", tabindex: "-1" });
    this.aim = h("p", { class: "muted small" });
    this.stop = button("second", "stop", actions.stop);
    this.camera = h("div", { class: "section" }, h("div", { class: "frame" }, this.video), this.aim, this.stop.element);

    this.entry = new Entry(actions.typed);

    this.foundNameLabel = h("dt");
    this.foundName = h("dd", { dir: "auto" });
    this.foundKeyLabel = h("dt");
    this.foundKey = h("dd", { class: "key", dir: "ltr" });
    this.foundKeyRow = h("div", {}, this.foundKeyLabel, this.foundKey);
    this.found = h("dl", {}, h("div", {}, this.foundNameLabel, this.foundName), this.foundKeyRow);

    this.countdown = h("p", { class: "countdown", part: "countdown" });
    this.lock = h("p", { class: "countdown", part: "countdown" });
    this.claim = h("button", { type: "submit", class: "main", part: "button claim-button" });
    this.other = button("main", "", actions.other);
    this.notThis = button("plain", "", actions.notThis);
    return h(
      "form",
      { class: "section", part: "form", novalidate: true, onsubmit: actions.submit },
      this.intro, this.camera, this.scanning, this.or, this.entry.element, this.found, this.countdown,
      this.refused.element, this.other.element, this.lock, this.claim, this.notThis.element,
    );
  }

  #claimed(actions) {
    this.success = h("h3", { tabindex: "-1", part: "outcome" });
    this.claimedName = h("p", { class: "name", dir: "auto" });
    this.relateFailed = new Notice("alert");
    this.another = h("button", { type: "button", class: "second", part: "button", onclick: actions.another });
    return h(
      "div",
      { class: "section claimed", role: "group", hidden: true },
      h("div", { class: "badge" }, icon("done")), this.success, this.claimedName, this.relateFailed.element, h("slot", { name: "next" }), this.another,
    );
  }

  /** Puts in the texts, which change with the language and the settings. */
  write(texts, tag, settings) {
    this.card.lang = tag;
    say(this.heading, settings.heading ?? texts.heading);
    set(this.card, "aria-labelledby", this.heading.hidden ? null : "heading");
    for (const inner of [this.signIn.title, this.success]) set(inner, "aria-level", this.heading.hidden ? 2 : 3);
    set(this.card, "aria-label", this.heading.hidden ? texts.heading : null);
    say(this.scan.text, texts.scan);
    say(this.photo.text, texts.photo);
    say(this.or, texts.or);
    say(this.aim, texts.aim);
    say(this.stop.text, texts.stop);
    const { name, key } = this.entry;
    say(name.label, texts.nameLabel);
    say(key.label, texts.keyLabel);
    say(this.foundNameLabel, texts.nameLabel);
    say(this.foundKeyLabel, texts.keyLabel);
    set(name.input, "placeholder", texts.namePlaceholder || null);
    set(key.input, "placeholder", texts.keyPlaceholder || null);
    for (const { label } of [name, key]) label.classList.toggle("unseen", settings.hidesLabels);
    set(key.input, "required", !settings.hidesKey);
    say(this.notThis.text, texts.notThis);
    say(this.other.text, texts.signInAsOther);
    say(this.success, texts.success);
    say(this.another, texts.another);
    say(this.signOut, texts.signOut);
    this.signIn.write(texts, tag);
    this.card.hidden = false;
  }

  /** Shows what belongs to this state. */
  show({ texts, settings, phase, isBusy, found, outcome, lock, user, who, canScan, canTakePhoto }) {
    const isReady = phase === "ready";
    const isTyping = phase === "form";
    this.form.hidden = phase === "sign-in" || phase === "claimed";
    this.signIn.element.hidden = phase !== "sign-in";
    this.claimed.hidden = phase !== "claimed";
    this.camera.hidden = phase !== "scanning";
    this.scan.element.hidden = !canScan;
    this.photo.element.hidden = !canTakePhoto;
    this.photo.element.classList.toggle("second", !canScan);
    this.photo.element.classList.toggle("plain", canScan);
    this.scanning.hidden = isReady || phase === "scanning" || !(canScan || canTakePhoto);
    this.or.hidden = this.scanning.hidden;
    say(this.intro, isTyping ? (canScan || canTakePhoto ? texts.intro : texts.introTyping) : "");
    this.entry.element.hidden = !isTyping;
    this.entry.key.element.hidden = settings.hidesKey;
    this.found.hidden = !isReady;
    say(this.foundName, found?.name ?? "");
    say(this.foundKey, found?.key ?? "");
    this.foundKeyRow.hidden = settings.hidesKey || !found?.key;
    this.notThis.element.hidden = !isReady || isBusy;
    this.refused.show(outcome ?? null);
    this.other.element.hidden = !outcome?.signInAsOther;
    say(this.lock, lock);
    say(this.claim, isBusy ? texts.inProgress : texts.claim);
    this.claim.hidden = phase === "scanning" || Boolean(outcome?.signInAsOther);
    this.claim.classList.toggle("busy", isBusy);
    set(this.claim, "aria-disabled", isBusy || lock !== "" ? "true" : null);
    set(this.form, "aria-busy", isBusy ? "true" : null);
    for (const { input } of [this.entry.name, this.entry.key]) input.readOnly = isBusy;
    this.account.hidden = !user || phase === "sign-in";
    say(this.who, who);
  }
}
