// What a QR code says, by ISO/IEC 18004: from its dark and light modules to its text.

import { corrected } from "./reed-solomon.js";

// Error correction codewords of a block, and blocks, by level and version.
const EC_OF_BLOCK = {
  L: [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, ...Array(14).fill(30)],
  M: [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, ...Array(19).fill(28)],
  Q: [13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30, 28, 30, 30, 30, 30, 28, ...Array(14).fill(30)],
  H: [17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28, 30, 24, ...Array(18).fill(30)],
};
const BLOCKS = {
  L: [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25],
  M: [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49],
  Q: [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20, 23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68],
  H: [1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25, 25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81],
};
// By the two bits that stand for the level.
const LEVELS = ["M", "L", "H", "Q"];

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** The text of the code whose module at (x, y) is dark where `isDark(x, y)`, with `size` modules at each edge; else null. */
export function text(isDark, size) {
  const version = (size - 17) / 4;
  const format = formatOf(isDark, size);
  if (!Number.isInteger(version) || version < 1 || version > 40 || !format) return null;
  const data = dataOf(codewords(isDark, size, version, MASKS[format.mask]), version, format.level);
  return data && said(data, version);
}

// Where the three finders, the timing patterns and the alignment patterns are, and what stands beside them.
function isFunction(size, version) {
  const centers = alignments(size, version);
  const [first, last] = [centers[0], centers.at(-1)];
  return (x, y) => {
    if (x === 6 || y === 6) return true;
    if ((x < 9 && (y < 9 || y >= size - 8)) || (x >= size - 8 && y < 9)) return true;
    if (version >= 7 && ((x < 6 && y >= size - 11) || (y < 6 && x >= size - 11))) return true;
    const near = (at) => centers.find((center) => Math.abs(at - center) <= 2);
    const [cx, cy] = [near(x), near(y)];
    const isCorner = (cx === first && (cy === first || cy === last)) || (cx === last && cy === first);
    return cx !== undefined && cy !== undefined && !isCorner;
  };
}

/** The places of the alignment patterns' centers along an edge. */
export function alignments(size, version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = version === 32 ? 26 : Math.floor((version * 4 + count * 2 + 1) / (count * 2 - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => size - 7 - (count - 2 - i) * step)];
}

// Level and mask stand twice, in 15 bits each, of which 10 are there to find errors.
function formatOf(isDark, size) {
  const around = [...range(0, 6).map((i) => [i, 8]), [7, 8], [8, 8], [8, 7], ...range(0, 6).map((i) => [8, 5 - i])];
  const apart = [...range(0, 7).map((i) => [8, size - 1 - i]), ...range(0, 8).map((i) => [size - 8 + i, 8])];
  let best = { distance: 4 };
  for (const places of [around, apart]) {
    const read = places.reduce((bits, [x, y]) => (bits << 1) | (isDark(x, y) ? 1 : 0), 0);
    for (let data = 0; data < 32; data++) {
      let rest = data;
      for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
      const distance = ones(read ^ ((data << 10) | rest) ^ 0x5412);
      if (distance < best.distance) best = { distance, level: LEVELS[data >> 3], mask: data & 7 };
    }
  }
  return best.level ? best : null;
}

const range = (from, count) => Array.from({ length: count }, (_, i) => from + i);

function ones(bits) {
  let count = 0;
  for (let rest = bits; rest; rest &= rest - 1) count++;
  return count;
}

// Up and down in columns of two modules, from the lower right corner.
function codewords(isDark, size, version, mask) {
  const isTaken = isFunction(size, version);
  const bytes = [];
  let [byte, bits] = [0, 0];
  for (let right = size - 1, isUp = true; right > 0; right -= 2, isUp = !isUp) {
    if (right === 6) right = 5;
    for (let i = 0; i < size; i++) {
      const y = isUp ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (isTaken(x, y)) continue;
        byte = (byte << 1) | (isDark(x, y) !== mask(x, y) ? 1 : 0);
        if (++bits % 8 === 0) {
          bytes.push(byte);
          byte = 0;
        }
      }
    }
  }
  return bytes;
}

// The blocks are interleaved: the first byte of each, the second of each, and so on; later ones may be a byte longer.
function dataOf(bytes, version, level) {
  const count = BLOCKS[level][version - 1];
  const corrections = EC_OF_BLOCK[level][version - 1];
  const short = Math.floor(bytes.length / count);
  const longer = bytes.length % count;
  const lengths = range(0, count).map((i) => short + (i >= count - longer ? 1 : 0) - corrections);
  const blocks = lengths.map(() => []);
  let at = 0;
  for (let i = 0; i <= short - corrections; i++) {
    for (const [b, block] of blocks.entries()) if (i < lengths[b]) block.push(bytes[at++]);
  }
  for (let i = 0; i < corrections; i++) for (const block of blocks) block.push(bytes[at++]);
  const data = [];
  for (const [b, block] of blocks.entries()) {
    const right = corrected(block, corrections);
    if (!right) return null;
    data.push(...right.slice(0, lengths[b]));
  }
  return data;
}

const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const UTF_8 = 26;

function said(data, version) {
  let at = 0;
  const left = () => data.length * 8 - at;
  const take = (count) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) value = value * 2 + ((data[at >> 3] >> (7 - (at & 7))) & 1);
    return value;
  };
  const size = version < 10 ? 0 : version < 27 ? 1 : 2;
  let charset = null;
  let out = "";
  while (left() >= 4) {
    const mode = take(4);
    if (mode === 0) break;
    if (mode === 7) {
      const first = take(8);
      charset = first < 128 ? first : first < 192 ? ((first & 63) << 8) | take(8) : ((first & 31) << 16) | take(16);
    } else if (mode === 1) {
      let count = take([10, 12, 14][size]);
      for (; count > 0 && left() >= 4; count -= 3) {
        const digits = Math.min(3, count);
        out += String(take([0, 4, 7, 10][digits])).padStart(digits, "0");
      }
    } else if (mode === 2) {
      let count = take([9, 11, 13][size]);
      for (; count > 1 && left() >= 11; count -= 2) {
        const pair = take(11);
        out += (ALPHANUMERIC[Math.floor(pair / 45)] ?? "") + ALPHANUMERIC[pair % 45];
      }
      if (count === 1) out += ALPHANUMERIC[take(6)] ?? "";
    } else if (mode === 4) {
      const count = take([8, 16, 16][size]);
      if (left() < count * 8) return null;
      out += decoded(Uint8Array.from({ length: count }, () => take(8)), charset);
    } else {
      // Kanji, and codes that go on in another one.
      return null;
    }
  }
  return out;
}

// By the standard bytes are Latin-1 unless it says otherwise; nearly everybody writes UTF-8 and does not say so.
function decoded(bytes, charset) {
  try {
    if (charset === null || charset === UTF_8) return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // So it is not UTF-8.
  }
  return new TextDecoder("latin1").decode(bytes);
}
