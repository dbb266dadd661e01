// Turns a question that opens in place into a dialog of the browser, with focus kept inside and given back.
export default function (details) {
  if (typeof HTMLDialogElement === "undefined") return;
  const summary = details.querySelector("summary");
  const sheet = details.querySelector(".confirm-sheet");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", `${details.id}-title`);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button quiet";
  close.textContent = details.dataset.close;
  close.addEventListener("click", () => dialog.close());
  details.after(dialog);
  summary.setAttribute("aria-haspopup", "dialog");
  const show = () => { dialog.append(sheet, close); dialog.showModal(); };
  summary.addEventListener("click", (event) => { event.preventDefault(); show(); });
  dialog.addEventListener("close", () => { details.append(sheet); summary.focus(); });
  if (details.open) { details.open = false; show(); }
}
