// Applies the theme the reader chose before the first paint, so that no page flashes in the other one.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* storage refused: the device's own theme applies */ }
document.documentElement.classList.add("js");
