// Warns before a page with unsaved words is left; a page that comes back with mistakes holds unsaved words at once.
export default function (form) {
  const said = () => JSON.stringify([...new FormData(form)].filter(([name, value]) => typeof value === "string" && !["csrf_token", "_key", "_held", "stamp", "writer"].includes(name)));
  // What is wrong on a page that is saved as one types is stored with it.
  const isBack = "unsaved" in form.dataset || (!("saves" in form.dataset) && document.querySelector("main .error-summary"));
  let before = isBack ? "" : said();
  form.addEventListener("submit", () => { before = null; });
  for (const name of ["saved", "kept"]) form.addEventListener(name, () => { before = said(); });
  window.addEventListener("beforeunload", (event) => {
    if (before !== null && form.isConnected && said() !== before) event.preventDefault();
  });
}
