// Keeps the totals of both sides true while one types; the server computes them again.
const digits = (text) => {
  const plain = text.replace(/[\s\u00a0\u202f]/g, "").replace(",", ".");
  return /^\d+(\.\d{1,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : 0;
};

export default function (budget) {
  const lang = document.documentElement.lang;
  const euros = (cents) => `${new Intl.NumberFormat(lang, { minimumFractionDigits: cents % 100 ? 2 : 0, maximumFractionDigits: 2 }).format(cents / 100)}\u00a0€`;
  const total = (side) => [...budget.querySelectorAll(`[data-side="${side}"] [data-amount]`)].reduce((sum, input) => sum + digits(input.value), 0)
    + [...budget.querySelectorAll(`[data-side="${side}"] [data-fixed]`)].reduce((sum, told) => sum + Number(told.value), 0);
  const balance = budget.querySelector("[data-balance]");
  const sides = [...budget.querySelectorAll("[data-side]")].filter((side) => side.querySelector("[data-amount]")).map((side) => side.dataset.side);
  const show = () => {
    const sums = {};
    for (const side of sides) {
      sums[side] = total(side);
      budget.querySelector(`[data-total="${side}"]`).textContent = euros(sums[side]);
    }
    if (!("charges" in sums && "resources" in sums)) return;
    const gap = sums.resources - sums.charges;
    balance.hidden = !sums.charges && !sums.resources;
    balance.classList.toggle("good", gap === 0);
    balance.classList.toggle("warn", gap !== 0);
    const french = lang !== "en";
    if (gap === 0) balance.textContent = french ? "Le budget est équilibré." : "The budget balances.";
    else if (gap < 0) balance.textContent = french ? `Il manque ${euros(-gap)} de ressources pour équilibrer le budget.` : `${euros(-gap)} of resources are missing for the budget to balance.`;
    else balance.textContent = french ? `Les ressources dépassent les charges de ${euros(gap)}.` : `Resources exceed charges by ${euros(gap)}.`;
  };
  budget.addEventListener("input", show);
  if (sides.length) show();
}
