// Devices from a file, in three steps: which file, what its columns are, and how it went.

import { chooseColumns } from "./import-columns.js";
import { count, h, replace } from "./dom.js";
import { Unreadable, delimiterOf, records } from "./csv.js";
import { runImport } from "./import-run.js";
import { start } from "./page.js";

const EXAMPLE = "name,type,label\nD-0001,thermometer,Batch 7\nD-0002,thermometer,Batch 7\n";

start({
  roles: ["TENANT_ADMIN"],
  title: "Import devices",
  render(main) {
    const stage = h("div", { class: "view" });
    replace(main, h("h1", { tabIndex: -1 }, "Import devices"), stage);
    chooseFile(stage);
  },
});

/** The first step. `notice` is what was wrong with the last file. */
function chooseFile(stage, notice) {
  const problem = h("p", { id: "file-problem", class: "problem", role: "alert" }, notice);
  const input = h("input", { id: "file", type: "file", accept: ".csv,.txt,.tsv,text/csv", "aria-describedby": "file-hint file-problem" });
  const zone = h("div", { class: "drop" },
    h("label", { for: input.id }, "A file of devices"),
    h("p", { id: "file-hint", class: "muted" }, "Comma-separated values in UTF-8. Choose it, or drop it here. It is read in this browser, and sent when you say so."),
    input, problem);
  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
      const [file] = (kind === "drop" && event.dataTransfer.files) || [];
      if (file) {
        take(file);
      }
    });
  }

  async function take(file) {
    try {
      const read = await readFile(file);
      chooseColumns(stage, read, { back: () => again(), go: (plan, how) => runImport(stage, plan, how, () => again()) });
    } catch (error) {
      if (!(error instanceof Unreadable)) {
        throw error;
      }
      input.value = "";
      replace(problem, `${file.name}: ${error.message}.`);
    }
  }

  function again() {
    chooseFile(stage);
    stage.querySelector("input").focus();
  }

  replace(stage, zone, h("details", {},
    h("summary", {}, "What the file looks like"),
    h("div", { class: "view" },
      h("pre", { class: "sample", tabIndex: 0 }, EXAMPLE),
      h("p", {}, "Only the name is needed. Columns with these names are recognised, in capitals or not: ", ["type", "label", "description",
        "gateway", "secretKey", "expirationTime", "accessToken", "mqttClientId", "mqttUserName", "mqttPassword", "certificate",
        "claimingAllowed", "server:KEY", "shared:KEY"].flatMap((name, i) => [i > 0 && ", ", h("code", {}, name)]), "."),
      h("p", { class: "muted" }, "Keys can be made later, when labels are printed."))));
}

/** `{name, text, delimiter, records}`, of which the records are what the file has at its beginning. Throws `Unreadable`. */
async function readFile(file) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch (error) {
    throw new Unreadable(error instanceof TypeError ? "this is not UTF-8" : "it cannot be read");
  }
  const delimiter = delimiterOf(text);
  if (records(text, delimiter).next().done) {
    throw new Unreadable("there is nothing in it");
  }
  return { name: file.name, size: count(Math.ceil(file.size / 1_000), "kB", "kB"), text, delimiter };
}
