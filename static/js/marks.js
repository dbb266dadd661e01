// Lets a reviewer mark with the number keys, and says how many criteria remain.
import { say } from "./words.js";

export default function (grid) {
  const groups = [...grid.querySelectorAll(".mark")];
  const line = document.createElement("p");
  line.className = "soft small marks-left";
  line.setAttribute("role", "status");
  grid.append(line);
  const show = () => {
    const left = groups.filter((group) => !group.querySelector("input[type=radio]:checked")).length;
    line.textContent = left ? say(grid.dataset, "left", { n: left }) : say(grid.dataset, "done");
  };
  grid.addEventListener("change", show);
  grid.addEventListener("keydown", (event) => {
    if (event.target.type !== "radio" || event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1]; // the key's place: the top row of a French keyboard has no digits
    const level = digit && event.target.closest(".mark").querySelector(`input[type=radio][value="${digit}"]`);
    if (!level || level.disabled) return;
    level.checked = true;
    level.focus();
    level.dispatchEvent(new Event("change", { bubbles: true }));
  });
  show();
}
