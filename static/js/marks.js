// Lets a reviewer mark with the number keys, and says how many criteria remain.
export default function (grid) {
  const groups = [...grid.querySelectorAll(".mark")];
  const line = document.createElement("p");
  line.className = "soft small marks-left";
  line.setAttribute("role", "status");
  grid.append(line);
  const french = document.documentElement.lang !== "en";
  const show = () => {
    const left = groups.filter((group) => !group.querySelector("input[type=radio]:checked")).length;
    if (left === 0) line.textContent = french ? "Tous les critères sont notés." : "All criteria are marked.";
    else line.textContent = french ? `${left} critère${left > 1 ? "s" : ""} à noter` : `${left} ${left === 1 ? "criterion" : "criteria"} left to mark`;
  };
  grid.addEventListener("change", show);
  grid.addEventListener("keydown", (event) => {
    if (event.target.type !== "radio" || event.ctrlKey || event.metaKey || event.altKey) return;
    const level = event.target.closest(".mark").querySelector(`input[type=radio][value="${CSS.escape(event.key)}"]`);
    if (!level || level.disabled) return;
    level.checked = true;
    level.focus();
    level.dispatchEvent(new Event("change", { bubbles: true }));
  });
  show();
}
