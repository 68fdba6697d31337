// The form with which people sign in, and what they can do who have forgotten their password.

import { ask } from "../widget/client.js";
import { h, replace } from "./dom.js";
import { ROOT, signIn } from "./session.js";

/** The form. `why` is told in it; who has signed in is told by the session. */
export function signInForm(why) {
  const email = h("input", { id: "sign-in-email", type: "email", autocomplete: "username", required: true });
  const password = h("input", { id: "sign-in-password", type: "password", autocomplete: "current-password", required: true });
  const outcome = h("p", { id: "sign-in-outcome", role: "alert", class: "problem" });
  const button = h("button", { class: "primary" }, "Sign in");
  const forgotten = h("button", { type: "button", class: "quiet", onclick: () => askForLink() }, "Forgot your password?");
  const form = h("form", { class: "form card", "aria-labelledby": "sign-in-title", noValidate: true },
    h("h2", { id: "sign-in-title" }, "Sign in"),
    h("p", { class: "muted" }, why),
    h("div", { class: "field" }, h("label", { for: email.id }, "E-mail"), email),
    h("div", { class: "field" }, h("label", { for: password.id }, "Password"), password),
    outcome,
    h("div", { class: "actions" }, button, forgotten));

  function problem(text, field) {
    outcome.classList.remove("good");
    replace(outcome, text);
    for (const input of [email, password]) {
      for (const [name, value] of [["aria-invalid", "true"], ["aria-describedby", outcome.id]]) {
        input === field ? input.setAttribute(name, value) : input.removeAttribute(name);
      }
    }
    field?.focus();
  }

  async function askForLink() {
    if (!email.value.trim()) {
      problem("Please enter your e-mail first.", email);
      return;
    }
    problem("", null);
    forgotten.disabled = true;
    try {
      await ask(ROOT, "POST", "api/noauth/resetPasswordByEmail", { body: { email: email.value.trim() } });
      replace(outcome, "If there is an account with this e-mail, an e-mail with a link is on its way.");
      outcome.classList.add("good");
    } catch (refused) {
      problem(sentence(refused), null);
    }
    forgotten.disabled = false;
    forgotten.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!email.value.trim() || !password.value) {
      const missing = email.value.trim() ? password : email;
      problem(missing === email ? "Please enter your e-mail." : "Please enter your password.", missing);
      return;
    }
    problem("", null);
    button.disabled = true;
    try {
      await signIn(email.value.trim(), password.value);
    } catch (refused) {
      button.disabled = false;
      button.focus();
      problem(sentence(refused), refused.status === 401 ? password : null);
    }
  });
  return form;
}

function sentence(refused) {
  if (refused.code === "bad_credentials") {
    return "E-mail or password is wrong.";
  }
  if (refused.status === 429) {
    return `That was tried too often. Please try again in ${refused.retryAfter ?? 60} seconds.`;
  }
  return refused.detail ?? "That did not work. Please try again.";
}
