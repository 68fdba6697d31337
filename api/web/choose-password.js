// Sets the password of whoever followed the link in a letter.

const DEAD_CODES = ["activation_unknown", "activation_expired", "reset_unknown", "bad_credentials", "account_disabled"];
const POLICY_CODES = ["validation_failed", "same_password"];
const query = new URLSearchParams(location.search);
// Without a token, which of the two links it was is known by the path alone.
const isActivation = location.pathname.endsWith("/createPassword");
const [name, route] = isActivation ? ["activateToken", "activate"] : ["resetToken", "resetPassword"];
const DEAD = "This link has been used, or is too old. " + (isActivation
  ? "If you have chosen a password, sign in with it. Otherwise ask your administrator for a new link."
  : "If you have chosen another password, sign in with it. Otherwise ask for a new link.");
const token = query.get(name);
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

function post(path, headers, body) {
  const accept = "application/problem+json";
  return fetch(`../api/${path}`, { method: "POST", headers: { Accept: accept, ...headers }, body });
}

async function choose() {
  const body = JSON.stringify({ [name]: token, password: password.value });
  const answer = await post(`noauth/${route}`, { "Content-Type": "application/json" }, body);
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) {
    password.value = "";
    end("Your password is set. You can sign in with it now.", true);
    // The login that comes with it is not used here.
    await post("auth/logout", { "X-Authorization": `Bearer ${told.token}` });
  } else if (POLICY_CODES.includes(told.code)) {
    tell(told.detail, false);
    password.focus();
  } else if (DEAD_CODES.includes(told.code)) {
    end(DEAD, false);
  } else if (answer.status === 429) {
    tell("That was tried too often. Please wait a minute, and try again.", false);
  } else {
    throw new Error(answer.status);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  tell("", true);
  try {
    await choose();
  } catch {
    if (!form.hidden) {
      tell("That did not work. Please try again later.", false);
    }
  }
  button.disabled = false;
});

if (token) {
  form.hidden = false;
} else {
  end(DEAD, false);
}
