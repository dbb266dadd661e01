// Offers the browser's own print dialog where scripts run.
export default function (tools) {
  const button = tools.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
