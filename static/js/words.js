// Words that scripts say: they come with the page, in its language, so that no sentence is written here.
const lang = document.documentElement.lang;
const plural = new Intl.PluralRules(lang);
const number = new Intl.NumberFormat(lang);

// The words of a name among an element's data, filled in; a count chooses between those of "one" and of all others.
export function say(data, name, values = {}) {
  const many = "n" in values ? (plural.select(values.n) === "one" ? "One" : "Other") : "";
  return data[name + many].replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === "number" ? number.format(values[key]) : values[key]));
}
