// Says how many characters remain while one writes, quietly until the limit is near.
import { say } from "./words.js";

const count = (text) => [...text.replace(/\r\n/g, "\n")].length;

export default function (field) {
  const control = field.querySelector("textarea, input");
  const line = field.querySelector(".count");
  const limit = Number(field.dataset.limit);
  if (!control || !line || !limit) return;
  const spoken = document.createElement("span");
  spoken.className = "visually-hidden";
  spoken.setAttribute("role", "status");
  line.after(spoken);
  let timer;
  const show = () => {
    const left = limit - count(control.value);
    const over = left < 0;
    line.textContent = say(field.dataset, over ? "over" : "left", { n: Math.abs(left) });
    line.classList.toggle("over", over);
    clearTimeout(timer);
    if (left < limit / 10) timer = setTimeout(() => { spoken.textContent = line.textContent; }, 1000);
  };
  control.addEventListener("input", show);
  show();
}
