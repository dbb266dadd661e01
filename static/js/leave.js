// Warns before one signs out with words that are not sent yet; once that is confirmed, they are erased from this device.
const TURNS = 6, TURN = 500; // a page may be sending what was just typed: milliseconds

export default function (form) {
  let isSure = false;
  form.addEventListener("submit", async (event) => {
    if (isSure) return;
    event.preventDefault();
    if (await isAnyLeft()) ask(); else go();
  });
  async function isAnyLeft() {
    try {
      const { list, owner } = await import("./queue.js");
      const mine = owner();
      for (let turn = 0; mine && turn < TURNS; turn += 1) {
        if (!(await list(mine.who)).length) return false;
        await new Promise((resolve) => { setTimeout(resolve, TURN); });
      }
      return Boolean(mine);
    } catch { return false; }
  }
  function go() {
    isSure = true;
    form.requestSubmit();
  }
  function ask() {
    const { title, unsent, stay, leave, cut } = form.dataset;
    const dialog = document.createElement("dialog");
    const element = (kind, textContent, more = {}) => dialog.appendChild(Object.assign(document.createElement(kind), { textContent, ...more }));
    element("h2", title, { id: "leave-title" });
    const words = element("p", unsent);
    dialog.setAttribute("aria-labelledby", "leave-title");
    element("button", stay, { type: "button", className: "button", onclick: () => dialog.close() });
    element("button", leave, { type: "button", className: "button quiet", onclick: () => erase().catch(() => { words.textContent = cut; }) });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
  // First the session ends, then what was kept goes: a line that is cut erases nothing.
  async function erase() {
    await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
    const { clear, owner } = await import("./queue.js");
    await clear(owner().who);
    window.location.assign("/");
  }
}
