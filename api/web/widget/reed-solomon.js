// Puts right what was read wrongly of a QR code: Reed–Solomon codes over the 256 elements of GF(2^8) modulo x^8+x^4+x^3+x^2+1.

const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
  EXP[i] = EXP[i + 255] = x;
  LOG[x] = i;
  x = (x << 1) ^ (x & 0x80 ? 0x11d : 0);
}

const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);
const inverse = (a) => EXP[255 - LOG[a]];
// Coefficients stand with the constant first.
const value = (polynomial, x) => polynomial.reduceRight((sum, coefficient) => times(sum, x) ^ coefficient, 0);

/** The block with its errors put right, or null if there are more than half as many as `corrections`, its last bytes. */
export function corrected(block, corrections) {
  const polynomial = [...block].reverse();
  const syndromes = Array.from({ length: corrections }, (_, i) => value(polynomial, EXP[i]));
  if (syndromes.every((syndrome) => syndrome === 0)) return block;
  const locator = locatorOf(syndromes);
  const errors = locator.length - 1;
  // The places of errors are the inverses of the locator's roots.
  const places = block.map((_, i) => i).filter((i) => value(locator, EXP[(255 - i) % 255]) === 0);
  if (errors * 2 > corrections || places.length !== errors) return null;
  // Forney: how wrong each is.
  const evaluator = syndromes.map((_, i) => {
    let sum = 0;
    for (let j = 0; j <= Math.min(i, errors); j++) sum ^= times(locator[j], syndromes[i - j]);
    return sum;
  });
  const slope = locator.map((coefficient, i) => (i % 2 ? coefficient : 0)).slice(1);
  for (const place of places) {
    const x = EXP[(255 - place) % 255];
    polynomial[place] ^= times(EXP[place], times(value(evaluator, x), inverse(value(slope, x))));
  }
  const isRight = syndromes.every((_, i) => value(polynomial, EXP[i]) === 0);
  return isRight ? polynomial.reverse() : null;
}

// Berlekamp and Massey: the shortest recurrence that the syndromes follow.
function locatorOf(syndromes) {
  let [locator, previous] = [[1], [1]];
  let [length, shift, discrepancyBefore] = [0, 1, 1];
  for (let n = 0; n < syndromes.length; n++) {
    let discrepancy = syndromes[n];
    for (let i = 1; i <= length; i++) discrepancy ^= times(locator[i] ?? 0, syndromes[n - i]);
    if (discrepancy === 0) {
      shift++;
      continue;
    }
    const factor = times(discrepancy, inverse(discrepancyBefore));
    const next = [...locator];
    for (const [i, coefficient] of previous.entries()) next[i + shift] = (next[i + shift] ?? 0) ^ times(factor, coefficient);
    if (length * 2 <= n) {
      [previous, length, discrepancyBefore, shift] = [locator, n + 1 - length, discrepancy, 1];
    } else {
      shift++;
    }
    locator = Array.from(next, (coefficient) => coefficient ?? 0);
  }
  return locator;
}
