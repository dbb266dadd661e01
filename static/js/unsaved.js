// Warns before a page with unsaved words is left; saving is always one press away.
export default function (form) {
  const said = () => JSON.stringify([...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "csrf_token" && name !== "_key"));
  let before = said();
  form.addEventListener("submit", () => { before = null; });
  window.addEventListener("beforeunload", (event) => {
    if (before !== null && form.isConnected && said() !== before) event.preventDefault();
  });
}
