// Shows the sum of a few shares while one types, and whether it reaches its target.
export default function (group) {
  const output = group.querySelector("[data-sum]");
  const target = Number(group.dataset.target);
  const show = () => {
    const sum = [...group.querySelectorAll("[data-part]")].reduce((all, input) => all + (parseInt(input.value, 10) || 0), 0);
    const space = document.documentElement.lang === "en" ? "" : "\u00a0";
    output.textContent = `${sum}${space}% / ${target}${space}%`;
    output.classList.toggle("on", sum === target);
    output.classList.toggle("off", sum !== target);
  };
  group.addEventListener("input", show);
  show();
}
