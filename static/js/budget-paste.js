import { cents } from "./amounts.js";
import { fill, tell } from "./budget-shares.js";

// Fills the lines of a budget with a block copied from a spreadsheet: each row goes to the first empty line of the account
// it begins with, or else to the line after the one before, from the field it was pasted in. Says what was not understood.
export function paste(budget, field, text) {
  const lines = [...budget.querySelectorAll("tr")].filter((line) => line.querySelector("[data-amount]"));
  const code = (line) => line.querySelector(".account").textContent.trim();
  const amount = (line) => line.querySelector("[data-amount]");
  let place = lines.indexOf(field.closest("tr"));
  const [left, filled] = [[], new Set()];
  for (const row of text.split(/\r?\n/).filter((one) => one.trim())) {
    const cells = row.split("\t").map((cell) => cell.trim()).filter(Boolean);
    const account = /^\d{2,3}\b/.exec(cells[0])?.[0];
    const named = cells.length > 1 && account ? lines.filter((line) => code(line) === account) : null;
    const line = named ? named.find((one) => !filled.has(one) && (!amount(one).value.trim() || named.length === 1)) : lines[place];
    const value = cells.findLast((cell) => (cents(cell) ?? 1) % 100 === 0);
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
  tell(pasted, [fill(words, { count: filled.size }), left.length && fill(unread, { rows: left.slice(0, 5).join(" ; ") })].filter(Boolean).join(" "));
  if (left.length) pasted.scrollIntoView({ block: "center" });
}
