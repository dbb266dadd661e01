// Lets the reader go from the device's theme to light, to dark, and back; remembers it on this device only.
const ORDER = ["auto", "light", "dark"];

function current() {
  try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
}

export default function (button) {
  const words = button.querySelector("span");
  const show = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    words.textContent = button.dataset[theme];
    button.title = button.dataset[theme];
  };
  button.hidden = false;
  show(current());
  button.addEventListener("click", () => {
    const next = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length];
    try { localStorage.setItem("theme", next); } catch { /* storage refused: for this page only */ }
    show(next);
  });
}
