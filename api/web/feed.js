// The tenant's log as it goes on: newest first, of all events or of some, and held on while somebody reads.

import { h, count, replace, time } from "./dom.js";
import { follow } from "./events.js";
import { EVENTS, badge, narrator, short, tone } from "./history.js";
import { directory } from "./names.js";
import { failure, start } from "./page.js";
import { onChange } from "./session.js";

const MOST_ROWS = 500;
const HOUR_MS = 3_600_000;
const SPANS = [["1", "the last hour"], ["24", "the last day"], ["168", "the last week"]];
/** A browser has few connections to one origin. Out of sight, this one is given back. */
const HIDDEN_MS = 60_000;
const REFUSALS = Object.keys(EVENTS).filter((eventType) => tone({ eventType }) === "bad");
const OWNERS = ["DeviceClaimed", "DeviceReclaimed", "DeviceAssigned", "DeviceUnassigned"];
const STATES = { connecting: ["Connecting …", ""], live: ["Live", "good"], reconnecting: ["Reconnecting …", "warn"], ended: ["Stopped", ""] };
let running = null;

start({
  roles: ["TENANT_ADMIN", "AUDITOR"],
  title: "What happens",
  render(main) {
    running?.stop();
    running = feed(main);
  },
});

// Whoever is signed out is told no more; whoever comes back goes on where it was.
onChange((user) => (user ? running?.go() : running?.stop()));
let hiding = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => running?.stop(), HIDDEN_MS);
  } else {
    running?.go();
  }
});

function feed(main) {
  const known = directory();
  const say = narrator(known.names);
  const list = h("ol", { class: "log", role: "list" });
  const state = h("span", { class: "badge" });
  const news = h("p", { role: "status", class: "muted" });
  const trouble = h("div", { class: "trouble" });
  const empty = h("p", { class: "empty" }, "Nothing of that kind in that time. What happens from now on comes by itself.");
  const hold = h("button", { type: "button", onclick: () => held(!isHeld) }, "Pause");
  const which = h("select", { id: "which", onchange: anew },
    h("option", { value: "" }, "everything"), h("option", { value: REFUSALS.join() }, "refusals"),
    h("option", { value: OWNERS.join() }, "changes of owner"),
    h("optgroup", { label: "One kind" }, Object.entries(EVENTS).map(([type, [word]]) => h("option", { value: type }, word))));
  const span = h("select", { id: "span", onchange: anew }, SPANS.map(([hours, text]) => h("option", { value: hours }, text)));
  let rows = [];
  let waiting = [];
  let isHeld = false;
  let isLive = false;
  let begun = 0;
  let after = null;
  let control = null;

  const flush = gathered(0, () => {
    if (!isHeld && waiting.length > 0) {
      const added = waiting.map(row).reverse();
      waiting = [];
      rows = [...added, ...rows];
      list.prepend(...added.map(({ element }) => element));
      rows.splice(MOST_ROWS).forEach(({ element }) => element.remove());
      added.forEach(({ learn }) => learn());
      empty.hidden = true;
      tell();
    }
  });
  const tell = gathered(1_000, () => {
    const isNew = rows.filter(({ event, isTold }) => !isTold && event.recordedAt >= begun);
    rows.forEach((row) => {
      row.isTold = true;
    });
    replace(news, isNew.length > 0 ? count(isNew.length, "new event", "new events") : count(rows.length, "event", "events"));
  });
  /** That there is nothing is known a moment after the connection stands. */
  const settle = gathered(500, () => {
    empty.hidden = rows.length > 0 || !isLive;
  });
  const refill = gathered(100, () => rows.forEach(({ fill }) => fill()));

  function row(event) {
    const name = h("a", { href: `device#${event.deviceId}/${event.position}`, dir: "auto" });
    const about = h("div", { class: "about" });
    const fill = () => {
      replace(name, known.device(event.deviceId) ?? short(event.deviceId));
      replace(about, h("p", {}, say.told(event)), h("p", {}, say.who(event)));
    };
    fill();
    const element = h("li", { class: tone(event) },
      h("div", { class: "when" }, time(event.recordedAt)), h("div", { class: "kind" }, badge(event)),
      h("p", { class: "device" }, name), about);
    // Others may speak of the same. Of what is not shown any more nothing has to be known.
    const learn = async () => (await known.learn(event, () => list.contains(element))) && refill();
    return { event, element, fill, learn, isTold: false };
  }

  function came(event) {
    after = event.position;
    if (which.value === "" || which.value.split(",").includes(event.eventType)) {
      waiting.push(event);
      waiting = waiting.slice(-MOST_ROWS);
      isHeld ? replace(hold, `Go on (${waiting.length} new)`) : flush();
    }
  }

  function held(wanted) {
    isHeld = wanted;
    replace(hold, isHeld ? "Go on" : "Pause");
    flush();
  }

  function told(word) {
    isLive = word === "live";
    settle();
    const [text, kind] = STATES[word];
    state.className = `badge ${kind}`;
    if (state.textContent !== text) {
      replace(state, text);
    }
  }

  /** Begins again, as something else is wanted. */
  function anew() {
    stop();
    after = null;
    rows = [];
    waiting = [];
    replace(list);
    replace(news);
    held(false);
    go();
  }

  function go() {
    // Not for who has left, or may not see it.
    if (control || main.hidden || !main.isConnected) {
      return;
    }
    const mine = new AbortController();
    control = mine;
    begun = Date.now();
    replace(trouble);
    empty.hidden = true;
    const from = after === null ? { since: begun - Number(span.value) * HOUR_MS } : { after };
    told("connecting");
    follow("api/audit/events", { from, signal: mine.signal, onEvent: came, onState: told }).catch((error) => {
      if (!mine.signal.aborted) {
        stop();
        replace(trouble, error.status !== 401 && failure(error, go));
      }
    });
  }

  function stop() {
    control?.abort();
    control = null;
    told("ended");
  }

  replace(main,
    h("div", { class: "title" }, h("h1", { tabIndex: -1 }, "What happens"), h("span", { role: "status" }, state),
      h("p", { class: "muted" }, "To all devices, newest first, refusals included. ",
        h("a", { href: "device" }, "Find a device"))),
    h("div", { class: "toolbar" },
      h("span", { class: "pick" }, h("label", { for: which.id }, "Show"), which),
      h("span", { class: "pick" }, h("label", { for: span.id }, "of"), span),
      hold, news),
    trouble,
    h("div", { role: "log", "aria-live": "off", "aria-label": "Events" }, empty, list));
  go();
  return { go, stop };
}

/** Calls `work` once for all that comes within that time. */
function gathered(ms, work) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      work();
    }, ms);
  };
}
