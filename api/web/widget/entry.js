// What somebody types: the name and the key of a device.

import { field } from "./parts.js";
import { h } from "./elements.js";
import { read } from "./key.js";
import { fill } from "./texts.js";

const asItIs = { type: "text", autocomplete: "off", autocapitalize: "off", autocorrect: "off" };

export class Entry {
  // What the next press sends for what is typed: `{typed, key}`.
  #next = null;

  constructor(typed) {
    this.name = field("name", { node: h("input"), ...asItIs, enterkeyhint: "next", dir: "auto", required: true });
    this.key = field("key", { node: h("input", { class: "key" }), ...asItIs, enterkeyhint: "go", dir: "ltr" });
    this.element = h("div", { class: "section" }, this.name.element, this.key.element);
    this.element.addEventListener("input", () => {
      this.clear();
      typed();
    });
  }

  /** Fills both in. */
  put(name, key) {
    [this.name.input.value, this.key.input.value] = [name, key ?? ""];
    this.#next = null;
    this.clear();
  }

  /** Says nothing any more of what is entered. */
  clear() {
    for (const one of [this.name, this.key]) one.tell({});
  }

  /**
   * `{name, key, typed, mayBe}`, or null if there is something to do first: then that is said. `typed` is there if `key` is something
   * else, as look-alikes were put right; `mayBe` if that was left undone, as it may be somebody's own key.
   */
  read(texts, hidesKey) {
    const [name, typed] = [this.name.input.value.trim(), hidesKey ? "" : this.key.input.value];
    const isWhole = name && (typed || hidesKey);
    this.name.tell({ wrong: name ? "" : texts.nameRequired });
    this.key.tell({ wrong: typed || hidesKey ? "" : texts.keyRequired });
    if (!isWhole) (name ? this.key : this.name).input.focus();
    if (!isWhole) return null;
    if (typed === this.#next?.typed) return { name, key: this.#next.key };
    const { key, readAs, doubt, mayBe } = read(typed);
    if (doubt) {
      this.#sendNext(typed, typed, this.#doubted(doubt, texts));
      this.key.input.focus();
      return null;
    }
    if (readAs) this.key.tell({ note: fill(texts.readAs, { key }) });
    return { name, key, typed: readAs ? typed : undefined, mayBe };
  }

  /** Marks what the service did not accept. */
  refuse(code, { key, typed, mayBe }, texts) {
    const isWrong = code === "claim_failed";
    if (isWrong && typed) this.#sendNext(typed, typed, fill(texts.sentAsRead, { ...texts, key }));
    else if (isWrong && mayBe) this.#sendNext(key, mayBe, fill(texts.mayBe, { ...texts, key: mayBe }));
    else this.key.tell({ isWrong: isWrong || code === "key_expired" });
    this.name.tell({ isWrong: code === "device_not_found" || code === "unaddressable_name" });
  }

  #doubted(pairs, texts) {
    const shown = pairs.map((pair) => [...pair].join("/")).join(", ");
    return [shown ? fill(texts.doubtPairs, { pairs: shown }) : texts.doubt, fill(texts.doubtAgain, texts)].join(" ");
  }

  #sendNext(typed, key, note) {
    this.#next = { typed, key };
    this.key.tell({ note, isLoud: true, isWrong: true });
  }
}
