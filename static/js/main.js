// Gives each element that declares a behaviour the one small module that enhances it; the page works without any.
const loaded = new Map();

export function enhance(root = document) {
  for (const element of root.querySelectorAll("[data-behaviour]")) {
    for (const name of element.dataset.behaviour.split(" ")) {
      if (!loaded.has(name)) loaded.set(name, import(`./${name}.js`));
      loaded.get(name).then((module) => module.default(element)).catch(() => {});
    }
  }
}

enhance();
