// The page to which the QR code of a label leads. Name and key stand behind the `#` of its address, which no browser sends.

import { readFragment } from "../widget/content.js";
import "../widget/device-claiming.js";
import { start } from "./page.js";
import { current, onChange, renewed, signIn, signOut } from "./session.js";
import { keep, kept } from "./tab.js";

// A reload must not lose what was scanned. It ends with the tab, and before: with the claim, and when somebody signs out.
const ENTRY = "claim";
const STEPS = { "sign-in": 1, claimed: 2 };

const widget = document.querySelector("device-claiming");
// While the widget itself is at it, somebody who is signed out has not left.
let isAsking = 0;

const asking = (ask) => async (...given) => {
  isAsking += 1;
  try {
    return await ask(...given);
  } finally {
    isAsking -= 1;
  }
};

widget.account = {
  token: asking(async ({ expired }) => {
    const token = current()?.token ?? null;
    return expired && token ? renewed(token) : token;
  }),
  signIn,
  signOut: asking(signOut),
};

/** Takes the device out of the address, so that it is neither seen nor kept with the page's history. */
function takeLink() {
  const linked = readFragment(location.hash);
  if (location.hash) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (linked) {
    keep(ENTRY, linked);
  }
  return linked ?? kept(ENTRY);
}

const forget = () => keep(ENTRY, null);

function show(linked) {
  if (linked) {
    widget.fill(linked);
  }
}

widget.addEventListener("phase", ({ detail }) => {
  const now = STEPS[detail.phase] ?? 0;
  for (const [i, step] of document.querySelectorAll(".steps li").entries()) {
    step.ariaCurrent = i === now ? "step" : null;
  }
});
// A second label may have been opened while the service was at the first.
widget.addEventListener("claimed", ({ detail }) => {
  document.getElementById("taken").hidden = true;
  if (kept(ENTRY)?.name === detail.device.name) {
    forget();
  }
});
// If the owner is who asks, it is there.
widget.addEventListener("refused", ({ detail }) => {
  document.getElementById("taken").hidden = detail.code !== "already_claimed";
});
widget.addEventListener("not-this", forget);
addEventListener("hashchange", () => show(takeLink()));
onChange((user) => {
  if (!user && !isAsking) {
    forget();
    widget.reset();
  }
});

show(takeLink());
start({
  title: "Claim a device",
  render: (_, user) => {
    document.getElementById("not-customer").hidden = !user || user.authority === "CUSTOMER_USER";
  },
});
