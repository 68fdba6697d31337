// What a person typed as a claim key. Keys that the service makes have 16 characters of an alphabet without 0 O 1 I, the
// last of which is a check character; any other key counts as it is, character by character.

const ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const LENGTH = 16;

// What a character that no made key has may have been on the label.
const MEANT = { 0: "QDC", O: "QDC", 1: "LJT7", I: "LJT7" };
// With more of them than this, too much would be guessed.
const MOST_GUESSED = 4;

// Characters of made keys that are easily taken for each other.
const ALIKE = ["8B", "5S", "2Z", "UV"];

// Luhn's algorithm over 32 symbols, as the service has it.
function fits(characters) {
  let sum = 0;
  for (let i = 0; i < LENGTH; i++) {
    const value = ALPHABET.indexOf(characters[LENGTH - 1 - i]);
    sum += i % 2 === 1 ? Math.floor((value * 2) / 32) + ((value * 2) % 32) : value;
  }
  return sum % 32 === 0;
}

// As labels have it: what is typed otherwise may be any other key of that length.
const AS_ON_LABELS = /^\s*\S{4}(?:[\s\p{Pd}]+[^\s\p{Pd}]{4}){3}\s*$/u;

// Telephones make dashes of hyphens.
const compact = (typed) => typed.replace(/[\s\p{Pd}]/gu, "").toUpperCase();
const grouped = (characters) => characters.match(/.{4}/g).join("-");

/** The made key that this text can be, in its groups, whatever its case, blanks and hyphens; else null. */
export function canonical(typed) {
  const characters = compact(typed);
  const made = characters.length === LENGTH && [...characters].every((c) => ALPHABET.includes(c)) && fits(characters);
  return made ? grouped(characters) : null;
}

/**
 * How to read a typed key: `key` is what to send. `readAs` is there if look-alikes were put right, and is what to show.
 * `doubt` is there if it looks like a made key and is none: the pairs in it that are easily confused, perhaps none.
 * `mayBe` is there if it is not in the groups of a made key, but could be one with look-alikes.
 */
export function read(typed) {
  const characters = compact(typed);
  // The service forgives case, blanks and hyphens itself, and another server may not: it is sent as it was typed.
  if (characters.length !== LENGTH) return { key: typed };
  if (canonical(typed)) return { key: typed.replace(/\p{Pd}/gu, "-") };
  const letters = [...characters];
  if (!letters.every((c) => ALPHABET.includes(c) || MEANT[c])) return { key: typed };
  const candidates = corrected(letters);
  if (!AS_ON_LABELS.test(typed)) return candidates.length === 1 ? { key: typed, mayBe: grouped(candidates[0]) } : { key: typed };
  if (candidates.length === 1) return { key: grouped(candidates[0]), readAs: grouped(candidates[0]) };
  const pairs = ALIKE.filter((pair) => letters.some((c) => pair.includes(c)));
  return { key: typed, doubt: pairs };
}

/** Every key that these characters can have been meant as and whose check character fits. */
function corrected(letters) {
  const guessed = letters.filter((c) => MEANT[c]).length;
  if (guessed === 0 || guessed > MOST_GUESSED) return [];
  let all = [""];
  for (const c of letters) all = all.flatMap((begun) => [...(MEANT[c] ?? c)].map((next) => begun + next));
  return all.filter(fits);
}
