// Comma-separated values as RFC 4180 has them, read as the service reads them, so that nothing is sent that it would refuse as
// a whole.

/** Why a text is no table. Shows nothing of it, as there may be secrets in it. */
export class Unreadable extends Error {}

/** What may stand between two cells. */
export const DELIMITERS = [[",", "comma"], [";", "semicolon"], ["\t", "tab"], ["|", "bar"]];

const QUOTED = /"([^"]*(?:""[^"]*)*)"(?!")/y;
const LINE_END = /\r\n|\n|\r/y;

/** The records of a text, without its blank lines: `{line, cells, text}`, the line on which it begins (the first one is 1) and
 * the record as it is written. Throws `Unreadable`. */
export function* records(text, delimiter) {
  const plain = new RegExp(`[^${delimiter}\r\n]*`, "y");
  const blanks = delimiter === "\t" ? / */y : /[ \t]*/y;
  let at = text.startsWith("\ufeff") ? 1 : 0;
  let line = 1;

  function match(pattern) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    at = found ? pattern.lastIndex : at;
    return found;
  }

  function cell() {
    if (text[at] !== '"') {
      return match(plain)[0];
    }
    const found = match(QUOTED);
    if (!found) {
      throw new Unreadable(`Line ${line}: a quoted cell is not closed`);
    }
    line += found[1].match(/\r\n|\n|\r/g)?.length ?? 0;
    match(blanks);
    return found[1].replaceAll('""', '"');
  }

  while (at < text.length) {
    if (match(LINE_END)) {
      line += 1;
      continue;
    }
    const begin = { at, line };
    const cells = [cell()];
    while (text[at] === delimiter) {
      at += 1;
      cells.push(cell());
    }
    const record = { line: begin.line, cells, text: text.slice(begin.at, at) };
    if (at < text.length && !match(LINE_END)) {
      throw new Unreadable(`Line ${line}: a quoted cell is followed by something other than a delimiter or the end of the line`);
    }
    line += 1;
    yield record;
  }
}

/** What most probably stands between the cells: what the first line has most of. */
export function delimiterOf(text) {
  const first = text.slice(0, 10_000).split(/[\r\n]/).find((line) => line !== "") ?? "";
  const counts = DELIMITERS.map(([delimiter]) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))][0];
}

/** A record with commas, as any reader understands it. */
export function written(cells) {
  // A record of one empty cell would be a blank line.
  return cells.map((cell) => (/[",\r\n]/.test(cell) || cells.length === 1 ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",");
}

/** How many lines a record takes as it is written. */
export function linesOf(text) {
  return 1 + (text.match(/\r\n|\n|\r/g)?.length ?? 0);
}
