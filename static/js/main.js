// Gives each element that declares a behaviour the one small module that enhances it; the page works without any.
const loaded = new Map();

function enhance(root = document) {
  for (const element of root.querySelectorAll("[data-behaviour]")) {
    for (const name of element.dataset.behaviour.split(" ")) {
      if (!loaded.has(name)) loaded.set(name, import(`./${name}.js`));
      loaded.get(name).then((module) => module.default(element)).catch(() => {});
    }
  }
}

// A module that puts a new page in place asks for this by event: importing main.js again would run it twice.
document.addEventListener("house:page", () => enhance());
enhance();
