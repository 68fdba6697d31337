// What every page has: the bar with its links, who may see it, and how it loads, fails and speaks to people.

import { Refused } from "../widget/client.js";
import { h, replace } from "./dom.js";
import { current, leave, onChange, signOut } from "./session.js";
import { signInForm } from "./sign-in.js";

const CUSTOMER = "CUSTOMER_USER";
const TENANT = "TENANT_ADMIN";
const AUDITOR = "AUDITOR";
const ROLES = { [CUSTOMER]: "customers", [TENANT]: "administrators", [AUDITOR]: "auditors", SYS_ADMIN: "operators" };
const LIST = new Intl.ListFormat("en");
/** The links of the bar, and whom they are for; `null` stands for who has not signed in. */
const LINKS = [
  { href: "claim", text: "Claim", of: [null, CUSTOMER] },
  { href: "devices", text: "Devices", of: [CUSTOMER, TENANT] },
  { href: "device", text: "History", of: [AUDITOR] },
  { href: "import", text: "Import", of: [TENANT] },
  { href: "labels", text: "Labels", of: [TENANT] },
  { href: "feed", text: "Live", of: [TENANT, AUDITOR] },
  { href: "api-docs", text: "API", of: [null, TENANT, AUDITOR, "SYS_ADMIN"] },
];

/** Starts the page. `render(main, user)` fills `main`, and may take its time; what it throws is shown, with a way to try again.
 * With `roles`, nobody else gets to see it: who has not signed in gets the form, in the same place. Without, everybody does,
 * `user` may be null, and what stands in the page's `main` stays. It is called again when somebody else signs in. */
export function start({ roles, title, render = () => {} }) {
  const frame = document.querySelector("main");
  let view = anew();
  let shownTo = null;
  let inBar = null;
  let hadForm = false;
  document.querySelector(".skip").addEventListener("click", (event) => {
    // The page's address may carry something behind its `#`.
    event.preventDefault();
    frame.focus();
  });

  /** Where the page is shown, one for each time: what comes late for somebody who has left is seen by nobody. */
  function anew() {
    if (title) {
      document.title = `${title} · deed`;
    }
    return roles ? h("div", { class: "view" }) : frame;
  }

  async function fill(user) {
    shownTo = user;
    view = anew();
    const mine = view;
    if (roles) {
      replace(frame, replace(mine, heading(title), skeleton()));
    }
    frame.setAttribute("aria-busy", "true");
    try {
      await render(mine, user);
    } catch (error) {
      if (mine === view && !current()) {
        // The login was over from the start: there is nothing to come back to.
        shownTo = null;
      } else {
        replace(mine, heading(title), failure(error, () => fill(user)));
      }
    }
    if (mine === view) {
      frame.removeAttribute("aria-busy");
    }
  }

  /** Whoever signs out leaves nothing behind, unlike somebody whose login ends. */
  function out() {
    shownTo = null;
    view = anew();
    leave();
  }

  async function show(user) {
    inBar = user;
    fillBar(user, out);
    const isForm = roles && !user;
    if (isForm) {
      // What the page has shown is kept for who comes back.
      view.hidden = true;
      const why = shownTo ? "Your login has ended. Sign in to go on." : `This page is for ${people(roles)}.`;
      replace(frame, heading(title), signInForm(why), view);
    } else if (roles && !roles.includes(user.authority)) {
      replace(frame, heading(title), forbidden(roles, user));
    } else if (roles && shownTo?.id === user.id) {
      view.hidden = false;
      replace(frame, view);
    } else {
      view.hidden = false;
      await fill(user);
    }
    // The form had the focus, and is gone.
    if (hadForm && !isForm) {
      focusHeading(frame);
    }
    hadForm = isForm;
  }

  onChange(show);
  // A browser that goes back may show the page as it was left, whoever has signed out since.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && current()?.user.id !== inBar?.id) {
      document.body.hidden = true;
      location.reload();
    }
  });
  return show(current()?.user ?? null);
}

/** Says what has happened, at the foot of the window and to screen readers. `good` is false for what went wrong. */
export function tell(text, good = true) {
  const outcome = document.getElementById("outcome");
  outcome.className = good ? "good" : "bad";
  replace(outcome, text);
  // It was about what was done then.
  document.addEventListener("click", () => outcome.textContent === text && replace(outcome), { capture: true, once: true });
}

/** Asks before something is done that cannot be taken back. */
export function confirm({ title, text, yes }) {
  return new Promise((resolve) => {
    const close = (answer) => () => dialog.close(answer);
    const dialog = h("dialog", { "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h("h2", { id: "confirm-title" }, title),
      h("p", { id: "confirm-text" }, text),
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: close("") }, "Cancel"),
        h("button", { type: "button", class: "danger", onclick: close("yes") }, yes)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Copies a text, or selects it in `element` where the browser does not let pages copy. Gives what to tell of it. */
export async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    getSelection().selectAllChildren(element);
    return "It is selected. Your browser lets you copy it yourself.";
  }
}

/** Lines that stand where content will be. */
export function skeleton(lines = 3) {
  return h("div", { class: "skeleton", "aria-hidden": "true" }, Array.from({ length: lines }, () => h("span")));
}

/** What did not work, and a button that tries it again. */
export function failure(error, again) {
  if (!(error instanceof Refused || error.detail)) {
    console.error(error);
  }
  const id = error.requestId;
  return h("div", { class: "notice bad", role: "alert" },
    h("p", {}, h("strong", {}, "That did not work. "), error.detail ?? "Please try again."),
    id && h("p", { class: "muted" }, "Request ", h("code", {}, id)),
    h("button", { type: "button", onclick: again }, "Try again"));
}

function heading(title) {
  return h("h1", { tabIndex: -1 }, title);
}

function focusHeading(frame) {
  const title = frame.querySelector("h1");
  title?.setAttribute("tabindex", "-1");
  (title ?? frame).focus();
}

function forbidden(roles, user) {
  return h("div", { class: "notice" },
    h("p", {}, `This page is for ${people(roles)}. You are signed in as `, h("strong", {}, user.email), "."),
    h("button", { type: "button", onclick: signOut }, "Sign in as somebody else"));
}

function people(roles) {
  return LIST.format(roles.map((role) => ROLES[role]));
}

function fillBar(user, out) {
  const here = location.pathname.split("/").pop();
  const links = LINKS.filter(({ of }) => of.includes(user?.authority ?? null)).map(({ href, text }) =>
    h("a", { href, "aria-current": href === here ? "page" : null }, text));
  const whoever = user
    ? [h("span", { class: "who", title: user.email }, user.name),
      h("button", { type: "button", class: "quiet", onclick: out }, "Sign out")]
    : [h("a", { href: "devices", class: "button", "aria-current": here === "devices" ? "page" : null }, "Sign in")];
  replace(document.querySelector("header nav"), h("div", { class: "links" }, links), h("div", { class: "whoever" }, whoever));
}
