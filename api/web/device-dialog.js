// One device of a tenant: whether it may register keys, the keys that it has, a new one, and what can be done with it.

import { claimPath } from "../widget/client.js";
import { call } from "./api.js";
import { h, replace } from "./dom.js";
import { handOver } from "./handover.js";
import { keysOf } from "./keys.js";
import { confirm, tell } from "./page.js";
import { onChange } from "./session.js";
import { badge, moment } from "./words.js";

/** Lets a device register keys of its own, or not. */
export function setSwitch(id, isAllowed) {
  return call("POST", `api/plugins/telemetry/DEVICE/${id}/SERVER_SCOPE`, { body: { claimingAllowed: isAllowed } });
}

/** Opens it. `changed` is called when it is closed, if anything was changed. */
export function openDevice(device, changed) {
  const { deviceId, name, label, type, createdTime, state, owner } = device;
  const ownerName = owner?.title ?? "A customer";
  let hasChanged = false;
  const change = () => {
    hasChanged = true;
  };
  const keys = keysOf(device, change);
  const close = async () => {
    if (await keys.mayLeave()) {
      dialog.close();
    }
  };
  const dialog = h("dialog", { class: "device", "aria-labelledby": "device-name" },
    h("div", { class: "title" },
      h("h2", { id: "device-name", dir: "auto" }, name),
      h("button", { type: "button", class: "quiet", onclick: close }, "Close")),
    h("dl", { class: "facts" },
      h("dt", {}, "State"), h("dd", {}, badge(state)),
      h("dt", {}, "Owner"), h("dd", { dir: "auto" }, owner ? ownerName : "none"),
      label && [h("dt", {}, "Label"), h("dd", { dir: "auto" }, label)],
      h("dt", {}, "Type"), h("dd", {}, type),
      h("dt", {}, "Added"), h("dd", {}, moment(createdTime))),
    allowing(device, change),
    keys.element,
    h("div", { class: "actions" },
      owner && h("button", { type: "button", class: "danger", onclick: takeBack }, "Take it back …"),
      h("a", { class: "button", href: `device#${deviceId}` }, "Its history"),
      h("button", { type: "button", class: "primary", onclick: print }, "Print a label")));

  async function takeBack() {
    const isSure = await confirm({
      title: `Take ${name} back?`,
      text: `${ownerName} does not own it any longer. A new key is needed to claim it again.`,
      yes: "Take it back",
    });
    if (!isSure) {
      return;
    }
    try {
      await call("DELETE", claimPath(name));
      tell(`${name} has no owner any longer.`);
    } catch (refused) {
      tell(refused.detail, false);
    }
    change();
    dialog.close();
  }

  async function print() {
    if (await keys.mayLeave()) {
      handOver({ ids: [deviceId], names: [name] });
      location.assign("labels");
    }
  }

  // A browser asks `cancel` once, and closes at the next Escape without a word.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  // Whoever has to sign in again must get at the form; a new key is not thrown away for it.
  const forget = onChange((user) => user || keys.isShown() || dialog.close());
  dialog.addEventListener("close", () => {
    forget();
    dialog.remove();
    if (hasChanged) {
      changed();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  keys.load();
}

/** The switch. Where the service lets all devices register keys, it changes nothing for now. */
function allowing({ deviceId, claimingAllowed, claimingAllowedByDefault }, change) {
  const box = h("input", { type: "checkbox", role: "switch", "aria-describedby": "allow-hint", checked: claimingAllowed ?? false });
  const hint = h("p", { id: "allow-hint", class: "muted" }, claimingAllowedByDefault
    ? "By the configuration of this service, all devices may register keys of their own: the switch would count if that were changed."
    : "Then the device may register a key of its own. Keys that it has work either way.");
  const problem = h("p", { class: "problem", role: "alert" });
  box.addEventListener("change", async () => {
    replace(problem);
    box.disabled = true;
    try {
      await setSwitch(deviceId, box.checked);
      change();
      replace(hint, claimingAllowedByDefault ? "It is noted. All devices may register keys for now." : box.checked ? "The device may register a key of its own." : "The device may not register a key. Keys that it has still work.");
    } catch (refused) {
      box.checked = !box.checked;
      replace(problem, refused.detail);
    }
    box.disabled = false;
    box.focus();
  });
  return h("section", {}, h("label", { class: "choice" }, box, "Allow claiming"), hint, problem);
}
