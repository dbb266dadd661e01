// Shows the sum of a few shares while one types, and whether it reaches its target; nothing while one is unreadable.
import { sum, whole } from "./amounts.js";

export default function (group) {
  const output = group.querySelector("[data-sum]");
  const target = Number(group.dataset.target);
  const share = (text) => (whole(text) > target ? null : whole(text));
  group.addEventListener("input", () => {
    const all = sum(group.querySelectorAll("[data-part]"), share);
    const space = document.documentElement.lang === "en" ? "" : "\u00a0";
    output.textContent = all === null ? "—" : `${all}${space}% / ${target}${space}%`;
    output.classList.toggle("on", all === target);
    output.classList.toggle("off", all !== null && all !== target);
  });
}
