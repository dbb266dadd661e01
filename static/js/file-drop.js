// Lets a file be dropped on its field, refuses one that is too large before it leaves, and shows how much has been sent.
import { fileSize } from "./sizes.js";
import { say } from "./words.js";

const size = (drop, bytes) => fileSize(bytes, drop.dataset, document.documentElement.lang);

function tooLarge(drop) {
  const limit = Number(drop.dataset.largest);
  const files = [...drop.querySelector("input[type=file]").files].filter((file) => file.size > limit);
  return limit ? files.map((file) => say(drop.dataset, "tooLarge", { name: file.name, size: size(drop, file.size) })) : [];
}

function watch(form) {
  if (form.dataset.watched) return;
  form.dataset.watched = "yes";
  form.addEventListener("submit", (event) => {
    const drops = [...form.querySelectorAll(".drop")];
    const heavy = drops.find((drop) => tooLarge(drop).length);
    if (heavy) {
      event.preventDefault();
      event.stopImmediatePropagation();
      show(heavy);
      heavy.querySelector("input[type=file]").focus();
    }
  });
  form.addEventListener("submit", async (event) => {
    const holders = [...form.querySelectorAll(".drop")].filter((drop) => drop.querySelector("input[type=file]")?.files.length);
    if (!holders.length || event.defaultPrevented) return;
    event.preventDefault();
    if (form.dataset.sending) return;
    form.dataset.sending = "yes";
    const words = holders[0].dataset;
    const bars = holders.map((drop) => [drop.querySelector("progress"), drop.querySelector(".drop-state")]);
    const tell = (text) => bars.forEach(([bar, state]) => { bar.hidden = true; state.textContent = text; });
    const advance = (sent, total) => bars.forEach(([bar]) => { bar.hidden = false; bar.value = (100 * sent) / total; });
    const data = new FormData(form, event.submitter);
    const action = event.submitter?.getAttribute("formaction") || form.action;
    let kept = "";
    const { sendInChunks } = await import("./chunks.js");
    await sendInChunks(data, {
      progress(sent, total) {
        kept = say(words, "waiting", { sent: size(holders[0], sent), total: size(holders[0], total) });
        bars.forEach(([, state]) => { state.textContent = ""; });
        advance(sent, total);
      },
      cut() { bars.forEach(([, state]) => { state.textContent = kept || words.cut; }); },
    });
    delete form.dataset.sending;
    const request = new XMLHttpRequest();
    request.open("POST", action);
    request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => {
      if (!lengthComputable) return;
      advance(loaded, total);
      if (loaded === total) bars.forEach(([, state]) => { state.textContent = words.received; });
    });
    request.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      if (request.status >= 400 && request.status !== 422) { // the page stays, with all that is typed in it
        tell([...page.querySelectorAll("main h1, main .lede")].map((element) => element.textContent.trim()).join(". "));
        return;
      }
      // A refusal is shown at the address of its page: one can reload it. What was done has an address of its own.
      if (request.status < 400 && request.responseURL !== location.href) history.pushState(null, "", request.responseURL);
      document.title = page.title;
      document.body.replaceWith(document.adoptNode(page.body));
      document.dispatchEvent(new Event("house:page"));
      scrollTo(0, 0);
      if (!document.querySelector("[data-behaviour~='error-summary']")) document.querySelector("main")?.focus();
    });
    request.addEventListener("error", () => {
      tell(words.cut);
    });
    request.send(data);
  });
}

function show(drop) {
  const input = drop.querySelector("input[type=file]");
  const state = drop.querySelector(".drop-state");
  const wrong = tooLarge(drop);
  state.classList.toggle("field-error", wrong.length > 0);
  input.toggleAttribute("aria-invalid", wrong.length > 0);
  state.textContent = wrong.join(" ") || [...input.files].map((file) => `${file.name} (${size(drop, file.size)})`).join(", ");
}

export default function (field) {
  const drop = field.querySelector(".drop");
  const input = drop.querySelector("input[type=file]");
  drop.querySelector(".drop-words").hidden = false;
  input.addEventListener("change", () => show(drop));
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
