// Keeps true while one types what a request is of the budget, and what all grants add up to, in the words and by the rule
// of the server; takes lines pasted from a spreadsheet. A text the server would refuse leaves nothing said.
import { sum } from "./amounts.js";
import { euros } from "./budget.js";

// A sentence with its values, named in braces.
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);

// Says a sentence on a line of its own, or hides the line when there is none.
export function tell(line, text) {
  line.hidden = !text;
  line.textContent = text;
}

export default function (field) {
  const language = document.documentElement.lang;
  const currency = (digits) => new Intl.NumberFormat(language, { style: "currency", currency: "EUR", minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [rounded, exact] = [currency(0), currency(2)];
  const money = (value) => (value % 100 ? exact : rounded).format(value / 100);
  const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const percent = (part, whole) => tenths.format(Math.floor((part * 2000 + whole) / (2 * whole)) / 10) + (language === "en" ? "%" : "\u00a0%");
  const shares = document.querySelector("[data-shares]");
  const subsidies = document.querySelector("[data-subsidies]");
  // What the request is of all resources, and how far over the rate of its kind of support.
  const compare = (resources) => {
    const { requested, maxRate, share, over } = shares.dataset;
    const asked = Number(requested);
    const excess = maxRate && asked <= resources ? asked - Math.floor((resources * Number(maxRate)) / 100) : 0;
    const said = asked && resources ? [fill(share, { rate: percent(asked, resources) }), excess > 0 && fill(over, { over: money(excess) })] : [];
    tell(shares, said.filter(Boolean).join(" "));
  };
  // What the lines that name a funder add up to, the request included.
  const add = (resources) => {
    const funders = [...field.querySelectorAll("[data-side=resources] tr")].filter((row) => row.querySelector("select"));
    const of = (rows) => sum(rows.map((row) => row.querySelector("[data-amount]")), euros);
    const all = of(funders) + Number(shares.dataset.requested);
    const granted = of(funders.filter((row) => row.querySelector("select").value === "granted"));
    tell(subsidies, all && resources ? fill(subsidies.dataset.words, { sum: money(all), rate: percent(all, resources), granted: money(granted) }) : "");
  };
  field.addEventListener("totals", ({ detail }) => {
    shares.hidden = subsidies.hidden = true;
    if (Object.values(detail).includes(null)) return;
    compare(detail.resources);
    add(detail.resources);
  });
  document.querySelector("[data-paste-hint]").hidden = false;
  field.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (!/[\t\n]/.test(text.trim()) || !event.target.matches("[data-amount]")) return;
    event.preventDefault();
    import("./budget-paste.js").then((module) => module.paste(field, event.target, text));
  });
}
