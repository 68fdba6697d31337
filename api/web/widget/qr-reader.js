// Finds a QR code in a picture and reads it: for browsers that have no reader of their own.

import { darkness, byNeighbours, byHistogram, lumaOf } from "./darkness.js";
import { alignments, text } from "./qr-code.js";

// So many of the likeliest places of a code are tried.
const MOST_CORNERS = 12;
const MOST_TRIPLES = 10;
// How far from a square a code is taken to be tilted, in modules, the least first.
const STEPS = [-3, -2.25, -1.5, -0.75, 0, 0.75, 1.5, 2.25, 3];
const TILTS = STEPS.flatMap((u) => STEPS.map((v) => [u, v])).sort((a, b) => Math.hypot(...a) - Math.hypot(...b));
// Dark, light, dark, light, dark of a finder, in modules.
const FINDER = [1, 1, 3, 1, 1];

/** The text of the QR code in `ImageData`, or null if there is none that can be read. */
export function decode(image) {
  const luma = lumaOf(image);
  for (const threshold of [byNeighbours, byHistogram]) {
    const isDark = darkness(luma, image.width, image.height, threshold);
    const found = inPicture({ isDark, width: image.width, height: image.height });
    if (found) return found;
  }
  return null;
}

function inPicture(picture) {
  const corners = findersOf(picture);
  for (const triple of triplesOf(corners)) {
    const found = inTriple(picture, triple);
    if (found) return found;
  }
  return null;
}

// ---- finders

function findersOf(picture) {
  const found = [];
  for (let y = 0; y < picture.height; y += 2) {
    forEachFinder(picture, y, (x, module) => {
      const center = centered(picture, x, y, module);
      if (!center) return;
      const same = found.find((other) => Math.hypot(other.x - center.x, other.y - center.y) < 2.5 * Math.max(other.module, center.module));
      if (!same) return found.push({ ...center, seen: 1 });
      for (const member of ["x", "y", "module"]) same[member] = (same[member] * same.seen + center[member]) / (same.seen + 1);
      same.seen++;
    });
  }
  return found.filter(({ seen }) => seen > 1).sort((a, b) => b.seen / b.module - a.seen / a.module).slice(0, MOST_CORNERS);
}

// Looks along a line for runs of dark and light as a finder has them, and gives where its middle is and how wide a module.
function forEachFinder({ isDark, width }, y, found) {
  const runs = [0, 0, 0, 0, 0];
  let isInDark = false;
  for (let x = 0; x <= width; x++) {
    const dark = x < width && isDark(x, y);
    if (dark === isInDark && x < width) {
      runs[4]++;
      continue;
    }
    // At the end of a dark run the last five are dark, light, dark, light, dark.
    if (isInDark && isLikeFinder(runs)) found(x - runs[4] - runs[3] - runs[2] / 2, sum(runs) / 7);
    runs.shift();
    runs.push(1);
    isInDark = dark;
  }
}

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

function isLikeFinder(runs) {
  const module = sum(runs) / 7;
  return module >= 1 && runs.every((run, i) => Math.abs(run - FINDER[i] * module) <= Math.max(1, module * FINDER[i] * (i === 2 ? 0.4 : 0.6)));
}

// The same place seen from above and again from the side, if that is a finder, too.
function centered(picture, x, y, module) {
  const across = crossed(picture, x, y, 0, 1, module);
  if (!across) return null;
  const along = crossed(picture, x, across.y, 1, 0, module);
  return along && { x: along.x, y: across.y, module: (across.module + along.module) / 2 };
}

// From a point inside the dark middle, the runs to both sides along (dx, dy).
function crossed(picture, x, y, dx, dy, module) {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const one = runsFrom(picture, x0, y0, dx, dy, module * 5);
  const other = runsFrom(picture, x0, y0, -dx, -dy, module * 5);
  if (!one || !other) return null;
  const runs = [other[2], other[1], other[0] + one[0] - 1, one[1], one[2]];
  if (!isLikeFinder(runs)) return null;
  const shift = (one[0] - other[0]) / 2 + 0.5;
  return { x: dx ? x0 + shift : x, y: dy ? y0 + shift : y, module: sum(runs) / 7 };
}

// Lengths of the dark, light and dark run from (x, y) on, itself included; null if that is not what is there.
function runsFrom({ isDark, width, height }, x, y, dx, dy, most) {
  const runs = [0, 0, 0];
  for (let i = 0, run = 0; i < most * 2; i++, x += dx, y += dy) {
    const isInside = x >= 0 && y >= 0 && x < width && y < height;
    if (!isInside) return run === 2 ? runs : null;
    if (isDark(x, y) !== (run % 2 === 0)) run++;
    if (run > 2) return runs;
    if (++runs[run] > most) return null;
  }
  return null;
}

// ---- which three make a code

// Every three that stand like the corners of a square, the likeliest first: `[corner, right of it, below it]`.
function triplesOf(corners) {
  const triples = [];
  for (const [i, a] of corners.entries()) {
    for (const [j, b] of corners.slice(i + 1).entries()) {
      for (const c of corners.slice(i + j + 2)) {
        const modules = [a, b, c].map(({ module }) => module);
        if (Math.max(...modules) > 2 * Math.min(...modules)) continue;
        const triple = [[a, b, c], [b, a, c], [c, a, b]].map(([corner, p, q]) => squareness(corner, p, q)).sort((p, q) => p.fault - q.fault)[0];
        if (triple.fault < 0.8) triples.push(triple);
      }
    }
  }
  return triples.sort((a, b) => a.fault - b.fault).slice(0, MOST_TRIPLES).map(({ points }) => points);
}

function squareness(corner, p, q) {
  const [a, b] = [vector(corner, p), vector(corner, q)];
  const [lengthA, lengthB] = [Math.hypot(a.x, a.y), Math.hypot(b.x, b.y)];
  const cosine = (a.x * b.x + a.y * b.y) / (lengthA * lengthB);
  const isClockwise = a.x * b.y - a.y * b.x > 0;
  return {
    fault: Math.abs(cosine) + Math.abs(Math.log(lengthA / lengthB)),
    points: isClockwise ? [corner, p, q] : [corner, q, p],
  };
}

const vector = (from, to) => ({ x: to.x - from.x, y: to.y - from.y });

// ---- the code at three corners

function inTriple(picture, [corner, right, below]) {
  const legs = [[corner, right], [right, corner], [corner, below], [below, corner]];
  const modules = legs.map(([from, to]) => moduleTowards(picture, from, to)).filter(Boolean);
  if (modules.length === 0) return null;
  const module = sum(modules) / modules.length;
  const length = (Math.hypot(right.x - corner.x, right.y - corner.y) + Math.hypot(below.x - corner.x, below.y - corner.y)) / 2;
  const version = Math.round((length / module + 7 - 17) / 4);
  for (const guess of [version, version - 1, version + 1]) {
    if (guess < 1 || guess > 40) continue;
    const found = ofVersion(picture, corner, right, below, guess);
    if (found) return found;
  }
  return null;
}

// A finder is seven modules wide, measured in the direction of another one.
function moduleTowards(picture, from, to) {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const spans = [spanFrom(picture, from, dx, dy, from.module * 9), spanFrom(picture, from, -dx, -dy, from.module * 9)];
  return spans[0] && spans[1] ? (spans[0] + spans[1]) / 7 : null;
}

function spanFrom({ isDark, width, height }, from, dx, dy, most) {
  for (let at = 0, run = 0; at < most; at += 0.25) {
    const [x, y] = [Math.floor(from.x + dx * at), Math.floor(from.y + dy * at)];
    if (x < 0 || y < 0 || x >= width || y >= height) return run === 2 ? at : null;
    if (isDark(x, y) !== (run % 2 === 0)) run++;
    if (run > 2) return at;
  }
  return null;
}

function ofVersion(picture, corner, right, below, version) {
  const size = version * 4 + 17;
  const far = size - 3.5;
  const square = (fourth, at) => projection([[3.5, 3.5], [far, 3.5], [3.5, far], [at, at]], [corner, right, below, fourth]);
  const opposite = { x: right.x + below.x - corner.x, y: right.y + below.y - corner.y };
  const flat = square(opposite, far);
  // The smallest code has no alignment pattern: its fourth corner is looked for where a tilted one has it.
  const [across, down] = [vector(corner, right), vector(corner, below)].map(({ x, y }) => ({ x: x / (size - 7), y: y / (size - 7) }));
  const tilted = ([u, v]) => square({ x: opposite.x + u * across.x + v * down.x, y: opposite.y + u * across.y + v * down.y }, far);
  const alignment = version > 1 ? alignmentNear(picture, flat, alignments(size, version).at(-1) + 0.5, version) : null;
  const places = alignment ? [() => square(alignment, size - 6.5), () => flat] : (version === 1 ? TILTS : TILTS.slice(0, 1)).map((tilt) => () => tilted(tilt));
  for (const place of places) {
    const onto = place();
    const isDark = (x, y) => {
      const point = onto(x + 0.5, y + 0.5);
      return picture.isDark(Math.floor(point.x), Math.floor(point.y));
    };
    // A mirrored code has its rows where columns are.
    const found = text(isDark, size) ?? text((x, y) => isDark(y, x), size);
    if (found !== null) return found;
  }
  return null;
}

// The lower right alignment pattern tells how the code is tilted. It is looked for around where it would be if it were not.
function alignmentNear(picture, flat, at, version) {
  const reach = Math.min(7, 2 + version * 0.4);
  let best = { score: 21 };
  for (let dy = -reach; dy <= reach; dy += 0.5) {
    for (let dx = -reach; dx <= reach; dx += 0.5) {
      const score = likeAlignment(picture, flat, at + dx, at + dy) - Math.hypot(dx, dy) * 0.05;
      if (score > best.score) best = { score, x: at + dx, y: at + dy };
    }
  }
  return best.x === undefined ? null : flat(best.x, best.y);
}

// How many of the pattern's 25 modules are as they should be: dark around light around dark.
function likeAlignment(picture, flat, x, y) {
  let right = 0;
  for (let v = -2; v <= 2; v++) {
    for (let u = -2; u <= 2; u++) {
      const point = flat(x + u, y + v);
      const isDark = picture.isDark(Math.floor(point.x), Math.floor(point.y));
      if (isDark === (Math.max(Math.abs(u), Math.abs(v)) !== 1)) right++;
    }
  }
  return right;
}

// What maps these four points of the code onto those of the picture, as a camera does: `(x, y) => {x, y}`.
function projection(from, to) {
  const rows = [];
  for (const [i, [x, y]] of from.entries()) {
    rows.push([x, y, 1, 0, 0, 0, -x * to[i].x, -y * to[i].x, to[i].x]);
    rows.push([0, 0, 0, x, y, 1, -x * to[i].y, -y * to[i].y, to[i].y]);
  }
  const [a, b, c, d, e, f, g, h] = solved(rows);
  return (x, y) => {
    const depth = g * x + h * y + 1;
    return { x: (a * x + b * y + c) / depth, y: (d * x + e * y + f) / depth };
  };
}

// Gauss's elimination; the last member of each row is its right side.
function solved(rows) {
  const count = rows.length;
  for (let i = 0; i < count; i++) {
    const pivot = rows.slice(i).reduce((best, row, j) => (Math.abs(row[i]) > Math.abs(rows[best][i]) ? i + j : best), i);
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let j = 0; j < count; j++) {
      if (j === i) continue;
      const factor = rows[j][i] / rows[i][i];
      for (let k = i; k <= count; k++) rows[j][k] -= factor * rows[i][k];
    }
  }
  return rows.map((row, i) => row[count] / row[i]);
}
