// The form to sign in with, inside the element.

import { ask, Refused } from "./client.js";
import { h, say, set } from "./elements.js";
import { explainSignIn } from "./outcome.js";
import { field, Notice } from "./parts.js";
import { fill } from "./texts.js";

export class SignInForm {
  #texts;
  #tag;
  #isBusy = false;

  /** `host` has `account` and `server`; `signedIn(user)` is called when it is done, `back` when somebody does not want to. */
  constructor({ host, signedIn, back }) {
    this.host = host;
    this.signedIn = signedIn;
    this.title = h("h3");
    this.why = h("p", { class: "muted" });
    const input = { autocapitalize: "off", required: true };
    this.email = field("email", { node: h("input"), ...input, type: "email", autocomplete: "username", enterkeyhint: "next" });
    this.password = field("password", { node: h("input"), ...input, type: "password", autocomplete: "current-password", enterkeyhint: "go" });
    this.refused = new Notice("alert");
    this.told = new Notice("status");
    this.submit = h("button", { type: "submit", class: "main", part: "button" });
    this.forgotten = h("button", { type: "button", class: "plain", part: "button", onclick: () => this.#sendLetter() });
    this.back = h("button", { type: "button", class: "second", part: "button", onclick: back });
    this.element = h(
      "form",
      { class: "section", part: "form sign-in", novalidate: true, hidden: true, onsubmit: (event) => this.#submitted(event) },
      this.title, this.why, this.email.element, this.password.element, this.refused.element, this.told.element, this.submit, this.forgotten, this.back,
    );
  }

  write(texts, tag) {
    [this.#texts, this.#tag] = [texts, tag];
    say(this.title, texts.signInTitle);
    say(this.email.label, texts.email);
    say(this.password.label, texts.password);
    say(this.forgotten, texts.forgotten);
    say(this.back, texts.back);
    this.#busy(this.#isBusy);
  }

  /** Asks for an account with which to claim the device of that name. */
  open(name) {
    say(this.why, name ? fill(this.#texts.signInFor, { name }) : "");
    this.email.input.focus();
  }

  /** The password is not kept longer than it takes. */
  forget() {
    this.password.input.value = "";
    for (const one of [this.email, this.password]) one.tell({});
    this.refused.show(null);
    this.told.show(null);
  }

  #busy(isBusy) {
    this.#isBusy = isBusy;
    say(this.submit, isBusy ? this.#texts.signingIn : this.#texts.signIn);
    this.submit.classList.toggle("busy", isBusy);
    set(this.submit, "aria-disabled", isBusy ? "true" : null);
    for (const { input } of [this.email, this.password]) input.readOnly = isBusy;
  }

  // What was entered, or null if something is missing: then it says so and leads there.
  #entered(needsPassword) {
    const email = this.email.input.value.trim();
    const password = this.password.input.value;
    this.email.tell({ wrong: email ? "" : this.#texts.emailRequired });
    this.password.tell({ wrong: password || !needsPassword ? "" : this.#texts.passwordRequired });
    if (!email) this.email.input.focus();
    else if (needsPassword && !password) this.password.input.focus();
    else return { email, password };
    return null;
  }

  async #submitted(event) {
    event.preventDefault();
    const entered = this.#isBusy ? null : this.#entered(true);
    if (!entered) return;
    const done = await this.#asked(() => this.host.account.signIn(entered.email, entered.password));
    if (!done) return this.password.input.select();
    this.forget();
    this.signedIn(done.answer);
  }

  async #sendLetter() {
    const entered = this.#isBusy ? null : this.#entered(false);
    if (!entered) return;
    const { email } = entered;
    const done = await this.#asked(() => ask(this.host.server, "POST", "api/noauth/resetPasswordByEmail", { body: { email } }));
    if (done) this.told.show({ next: fill(this.#texts.letterSent, { email }) });
  }

  // `{answer}`, or null if it was refused: then that is said.
  async #asked(request) {
    this.refused.show(null);
    this.told.show(null);
    this.#busy(true);
    try {
      return { answer: await request() };
    } catch (refusal) {
      // An account of the page may fail otherwise.
      if (!(refusal instanceof Refused)) console.error(refusal);
      this.refused.show(explainSignIn(refusal, { texts: this.#texts, tag: this.#tag }));
      return null;
    } finally {
      this.#busy(false);
    }
  }
}
