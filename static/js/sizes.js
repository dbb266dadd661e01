// Writes the size of a file as the server does (grants/kernel/pages.py); tests/kernel/sizes.json holds both to the same.
// `words` say "{size} Ko" and "{size} Mo" in the reader's language.
export function fileSize(bytes, words, lang) {
  const [group, mark] = lang === "fr" ? ["\u202f", ","] : [",", "."];
  const whole = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, group);
  if (bytes < 999500) return words.kilobytes.replace("{size}", whole(Math.max(Math.floor((bytes + 500) / 1000), Math.min(bytes, 1))));
  const tenths = Math.floor((bytes + 50000) / 100000);
  return words.megabytes.replace("{size}", whole(Math.floor(tenths / 10)) + (tenths % 10 ? mark + (tenths % 10) : ""));
}
