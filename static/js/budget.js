// Keeps the totals of a budget true while one types, in the words and by the rule of the server, which alone judges.
// Before anything is typed its words stand; a text it would refuse leaves no total and no verdict.
import { cents, sum } from "./amounts.js";

const NONE = "—";
const euros = (text) => {
  const value = cents(text);
  return value === null || value % 100 ? null : value;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);

// Says a sentence, or hides the line when there is none.
function say(line, text) {
  line.hidden = !text;
  line.textContent = text;
}

// Fills the lines of a budget with a block copied from a spreadsheet: each row goes to the first empty line of the account
// it begins with, or else to the line after the one before, from the field it was pasted in. Says what was not understood.
function paste(budget, event) {
  const text = event.clipboardData.getData("text/plain");
  if (!/[\t\n]/.test(text.trim()) || !event.target.matches("[data-amount]")) return;
  event.preventDefault();
  const lines = [...budget.querySelectorAll("tr")].filter((line) => line.querySelector("[data-amount]"));
  const code = (line) => line.querySelector(".account").textContent.trim();
  const amount = (line) => line.querySelector("[data-amount]");
  let place = lines.indexOf(event.target.closest("tr"));
  const [left, filled] = [[], new Set()];
  for (const row of text.split(/\r?\n/).filter((one) => one.trim())) {
    const cells = row.split("\t").map((cell) => cell.trim()).filter(Boolean);
    const account = /^\d{2,3}\b/.exec(cells[0])?.[0];
    const named = cells.length > 1 && account ? lines.filter((line) => code(line) === account) : null;
    const line = named ? named.find((one) => !filled.has(one) && (!amount(one).value.trim() || named.length === 1)) : lines[place];
    const value = cells.findLast((cell) => euros(cell) !== null);
    if (!line || value === undefined || (named && cells.indexOf(value) === 0)) {
      left.push(cells.join(" "));
      continue;
    }
    amount(line).value = value;
    amount(line).dispatchEvent(new InputEvent("input", { bubbles: true }));
    filled.add(line);
    place = lines.indexOf(line) + 1;
  }
  const pasted = document.querySelector("[data-pasted]");
  const { words, unread } = pasted.dataset;
  say(pasted, [fill(words, { count: filled.size }), left.length && fill(unread, { rows: left.slice(0, 5).join(" ; ") })].filter(Boolean).join(" "));
  if (left.length) pasted.scrollIntoView({ block: "center" });
}

export default function (budget) {
  const language = document.documentElement.lang;
  const currency = (digits) => new Intl.NumberFormat(language, { style: "currency", currency: "EUR", minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [rounded, exact] = [currency(0), currency(2)];
  const money = (value) => (value % 100 ? exact : rounded).format(value / 100);
  const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const percent = (part, whole) => tenths.format(Math.floor((part * 2000 + whole) / (2 * whole)) / 10) + (language === "en" ? "%" : "\u00a0%");
  const balance = budget.querySelector("[data-balance]");
  const shares = document.querySelector("[data-shares]");
  const subsidies = document.querySelector("[data-subsidies]");
  const words = balance.dataset;
  const total = (side) => {
    const typed = sum(side.querySelectorAll("[data-amount]"), euros);
    return typed === null ? null : [...side.querySelectorAll("[data-fixed]")].reduce((all, told) => all + Number(told.value), typed);
  };
  const judge = (sums) => {
    const [gap, apart] = ["", "in-kind-"].map((kind) => (sums[`${kind}resources`] ?? 0) - (sums[`${kind}charges`] ?? 0));
    const said = (text, value) => fill(text, { gap: money(Math.abs(value)) });
    const gaps = [gap < 0 && said(words.missing, gap), gap > 0 && said(words.over, gap), apart && said(words.apart, apart)].filter(Boolean);
    balance.hidden = !gaps.length && !sums.charges;
    balance.classList.toggle("good", !gaps.length);
    balance.classList.toggle("warn", gaps.length > 0);
    balance.textContent = gaps.join(" ") || words.balanced;
  };
  // What the request is of all resources, and how far over the rate of its kind of support.
  const compare = (resources) => {
    const { requested, maxRate, share, over } = shares.dataset;
    const asked = Number(requested);
    const excess = maxRate && asked <= resources ? asked - Math.floor((resources * Number(maxRate)) / 100) : 0;
    const said = asked && resources ? [fill(share, { rate: percent(asked, resources) }), excess > 0 && fill(over, { over: money(excess) })] : [];
    say(shares, said.filter(Boolean).join(" "));
  };
  // What the lines that name a funder add up to, the request included.
  const add = (resources) => {
    const funders = [...budget.querySelectorAll("[data-side=resources] tr")].filter((row) => row.querySelector("select"));
    const of = (rows) => sum(rows.map((row) => row.querySelector("[data-amount]")), euros);
    const all = of(funders) + Number(shares.dataset.requested);
    const granted = of(funders.filter((row) => row.querySelector("select").value === "granted"));
    say(subsidies, all && resources ? fill(subsidies.dataset.words, { sum: money(all), rate: percent(all, resources), granted: money(granted) }) : "");
  };
  const pasted = document.querySelector("[data-pasted]");
  if (pasted) {
    document.querySelector("[data-paste-hint]").hidden = false;
    budget.addEventListener("paste", (event) => paste(budget, event));
  }
  budget.addEventListener("input", () => {
    const sums = {};
    for (const side of budget.querySelectorAll("[data-side]")) {
      sums[side.dataset.side] = total(side);
      side.querySelector("[data-total]").textContent = sums[side.dataset.side] === null ? NONE : money(sums[side.dataset.side]);
    }
    if (Object.values(sums).includes(null)) {
      for (const line of [balance, shares, subsidies]) if (line) line.hidden = true;
      return;
    }
    judge(sums);
    if (!shares) return;
    compare(sums.resources);
    add(sums.resources);
  });
}
