// Counts down to a limit by the server's clock, not this device's, and tells when little time is left.
import { say } from "./words.js";

export default function (element) {
  const at = Number(element.dataset.at) * 1000;
  const shift = Number(element.dataset.now) * 1000 - performance.now();
  const line = element.querySelector(".deadline-left");
  const two = (value) => String(value).padStart(2, "0");
  const spoken = document.createElement("p");
  spoken.className = "visually-hidden";
  spoken.setAttribute("role", "status");
  element.append(spoken);
  let told;
  const show = () => {
    const left = Math.floor((at - shift - performance.now()) / 1000);
    if (left <= 0) {
      line.textContent = say(element.dataset, "passed");
      element.classList.add("over");
      return;
    }
    const days = Math.floor(left / 86400), hours = Math.floor((left % 86400) / 3600), minutes = Math.floor((left % 3600) / 60);
    element.classList.toggle("soon", left < 3600);
    if (days >= 2) line.textContent = say(element.dataset, hours ? "days" : "whole", { days, hours });
    else if (left >= 3600) line.textContent = say(element.dataset, "hours", { hours: days * 24 + hours, minutes: two(minutes) });
    else line.textContent = say(element.dataset, "minutes", { minutes, seconds: two(left % 60) });
    const step = [3600, 900, 300, 60].find((limit) => left === limit);
    if (step && told !== step) { told = step; spoken.textContent = line.textContent; }
    setTimeout(show, left < 3700 ? 1000 : 30000);
  };
  if (at > shift + performance.now()) show();
}
