// Reads numbers as the server does (grants/kernel/money.py), or gives null: what the server would refuse has no value.
// tests/kernel/amounts.json holds both to the same texts.
const LONGEST = 60;
const LIMIT = 1e11; // cents that a field takes at most

const bare = (text) => text.replace(/\p{Cf}/gu, "").replace(/[\p{Pd}\u2212]/gu, "-").trim().replace(/\s+/g, " ");

// An amount in cents.
export function cents(text) {
  if (text.length > LONGEST) return null;
  const plain = bare(text).replace(/^(?:€|eur) ?| ?(?:€|euros?|eur)$/gi, "");
  const found = /^(\d{1,3}(?: \d{3})+|\d+)(?:[,.](\d{1,2}))?$/.exec(plain);
  if (!found) return null;
  const value = Number(found[1].replaceAll(" ", "")) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
  return value <= LIMIT ? value : null;
}

// A whole number.
export function whole(text) {
  const plain = bare(text);
  return text.length <= LONGEST && /^(?:\d{1,3}(?: \d{3})+|\d+)$/.test(plain) ? Number(plain.replaceAll(" ", "")) : null;
}

// The sum of fields, an empty one counting nothing; null as soon as one has no value.
export function sum(inputs, read) {
  return [...inputs].reduce((all, { value }) => {
    const one = bare(value) ? read(value) : 0;
    return all === null || one === null ? null : all + one;
  }, 0);
}
