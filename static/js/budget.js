// Keeps the totals of a budget true while one types, in the words and by the rule of the server, which alone judges.
// Before anything is typed its words stand; a text it would refuse leaves no total and no verdict.
import { cents, sum } from "./amounts.js";

const NONE = "—";
export const euros = (text) => {
  const value = cents(text);
  return value === null || value % 100 ? null : value;
};

export default function (budget) {
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
  const money = (value) => format.format(value / 100);
  const balance = budget.querySelector("[data-balance]");
  const words = balance.dataset;
  const total = (side) => {
    const typed = sum(side.querySelectorAll("[data-amount]"), euros);
    return typed === null ? null : [...side.querySelectorAll("[data-fixed]")].reduce((all, field) => all + Number(field.value), typed);
  };
  const judge = (sums) => {
    const [gap, apart] = ["", "in-kind-"].map((kind) => (sums[`${kind}resources`] ?? 0) - (sums[`${kind}charges`] ?? 0));
    const said = (text, value) => text.replace("{gap}", money(Math.abs(value)));
    const gaps = [gap < 0 && said(words.missing, gap), gap > 0 && said(words.over, gap), apart && said(words.apart, apart)].filter(Boolean);
    balance.hidden = !gaps.length && !sums.charges;
    balance.classList.toggle("good", !gaps.length);
    balance.classList.toggle("warn", gaps.length > 0);
    balance.textContent = gaps.join(" ") || words.balanced;
  };
  budget.addEventListener("input", () => {
    const sums = {};
    for (const side of budget.querySelectorAll("[data-side]")) {
      sums[side.dataset.side] = total(side);
      side.querySelector("[data-total]").textContent = sums[side.dataset.side] === null ? NONE : money(sums[side.dataset.side]);
    }
    if (Object.values(sums).includes(null)) balance.hidden = true;
    else judge(sums);
    budget.dispatchEvent(new CustomEvent("totals", { bubbles: true, detail: sums }));
  });
}
