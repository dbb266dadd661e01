// Finds a commune by the letters typed, whatever the accents, and counts those chosen.
import { say } from "./words.js";

const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[-’' ]+/g, " ").replace(/\bsaint(e?)\b/g, "st$1");

export default function (picker) {
  const box = picker.querySelector(".picker-search");
  const search = box.querySelector("input");
  const chosen = picker.querySelector("[data-chosen]");
  const groups = [...picker.querySelectorAll("details")];
  const before = groups.map((group) => group.open);
  const choices = [...picker.querySelectorAll(".choice")].map((choice) => [choice, plain(choice.textContent.trim())]);
  box.hidden = false;
  search.addEventListener("input", () => {
    const wanted = plain(search.value.trim());
    for (const [choice, name] of choices) choice.hidden = Boolean(wanted) && !name.includes(wanted);
    groups.forEach((group, index) => {
      const any = !wanted || group.querySelector(".choice:not([hidden])");
      group.hidden = !any;
      group.open = wanted ? Boolean(any) : before[index] || Boolean(group.querySelector(":checked"));
    });
  });
  search.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  picker.addEventListener("change", () => {
    const count = picker.querySelectorAll("input[type=checkbox]:checked").length;
    chosen.textContent = say(picker.dataset, "chosen", { n: count });
  });
}
