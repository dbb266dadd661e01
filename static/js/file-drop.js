// Lets a file be dropped on its field and shows how much of it has been sent; the plain form does the same without.

function watch(form) {
  if (form.dataset.watched) return;
  form.dataset.watched = "yes";
  form.addEventListener("submit", (event) => {
    const holders = [...form.querySelectorAll(".drop")].filter((drop) => drop.querySelector("input[type=file]")?.files.length);
    if (!holders.length || event.defaultPrevented) return;
    event.preventDefault();
    const french = document.documentElement.lang !== "en";
    const bars = holders.map((drop) => [drop.querySelector("progress"), drop.querySelector(".drop-state")]);
    const say = (text) => bars.forEach(([, state]) => { state.textContent = text; });
    const data = new FormData(form);
    if (event.submitter?.name) data.append(event.submitter.name, event.submitter.value);
    const request = new XMLHttpRequest();
    request.open("POST", event.submitter?.getAttribute("formaction") || form.action);
    request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => {
      if (!lengthComputable) return;
      bars.forEach(([bar]) => { bar.hidden = false; bar.value = (100 * loaded) / total; });
      if (loaded === total) say(french ? "Fichier reçu, vérification en cours…" : "File received, being checked…");
    });
    request.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      history.pushState(null, "", request.responseURL);
      document.title = page.title;
      document.body.replaceWith(document.adoptNode(page.body));
      document.dispatchEvent(new Event("house:page"));
      scrollTo(0, 0);
      if (!document.querySelector("[data-behaviour~='error-summary']")) document.querySelector("main")?.focus();
    });
    request.addEventListener("error", () => {
      bars.forEach(([bar]) => { bar.hidden = true; });
      say(french ? "La connexion a été coupée. Rien n’est perdu : vérifiez la connexion, puis recommencez l’envoi." : "The connection was lost. Nothing is lost: check the connection, then send again.");
    });
    request.send(data);
  });
}

export default function (field) {
  const drop = field.querySelector(".drop");
  const input = drop.querySelector("input[type=file]");
  const state = drop.querySelector(".drop-state");
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  drop.querySelector(".drop-words").hidden = false;
  input.addEventListener("change", () => {
    state.textContent = [...input.files].map((file) => `${file.name} (${number.format(file.size / 1e6)}\u00a0Mo)`).join(", ");
  });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    const files = new DataTransfer();
    for (const file of [...event.dataTransfer.files].slice(0, input.multiple ? undefined : 1)) files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  if (input.form) watch(input.form);
}
