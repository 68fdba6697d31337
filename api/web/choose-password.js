// Sets the password of whoever followed the link in a letter.

import { ask, content } from "../widget/client.js";

const ROOT = new URL("../", import.meta.url);
const DEAD_CODES = ["activation_unknown", "activation_expired", "reset_unknown", "bad_credentials", "account_disabled"];
const POLICY_CODES = ["validation_failed", "same_password"];
const query = new URLSearchParams(location.search);
// Without a token, which of the two links it was is known by the path alone.
const isActivation = location.pathname.endsWith("/createPassword");
const [name, route] = isActivation ? ["activateToken", "activate"] : ["resetToken", "resetPassword"];
const DEAD = "This link has been used, or is too old. " + (isActivation
  ? "If you have chosen a password, sign in with it. Otherwise ask your administrator for a new link."
  : "If you have chosen another password, sign in with it. Otherwise ask for a new link.");
const given = query.get(name);
const form = document.querySelector("form");
const password = document.getElementById("password");
const button = document.querySelector("button");
const outcome = document.getElementById("outcome");

function tell(text, isGood) {
  outcome.className = isGood ? "problem good" : "problem";
  outcome.textContent = text;
}

function end(text, isGood) {
  form.hidden = true;
  tell(text, isGood);
  // The link is worth nothing from now on; it need not stay in the browser's history.
  history.replaceState(null, "", location.pathname);
}

async function choose() {
  const body = { [name]: given, password: password.value };
  const { token } = await content(await ask(ROOT, "POST", `api/noauth/${route}`, { body }));
  password.value = "";
  end("Your password is set. You can sign in with it now.", true);
  // The login that comes with it is not used here.
  await ask(ROOT, "POST", "api/auth/logout", { token }).catch(() => {});
}

function refuse({ status, code, detail, retryAfter }) {
  if (POLICY_CODES.includes(code)) {
    tell(detail, false);
    password.focus();
  } else if (DEAD_CODES.includes(code)) {
    end(DEAD, false);
  } else if (status === 429) {
    tell(`That was tried too often. Please try again in ${retryAfter ?? 60} seconds.`, false);
  } else {
    tell("That did not work. Please try again later.", false);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  tell("", true);
  try {
    await choose();
  } catch (refused) {
    refuse(refused);
  }
  button.disabled = false;
});

if (given) {
  form.hidden = false;
} else {
  end(DEAD, false);
}
