// What others write on a page that is saved as it is typed: shown where one wrote nothing, asked where both did.
const CALM = 2500; // milliseconds without a save before the page is read again
let timer = 0;

const button = (label, act) => {
  const found = Object.assign(document.createElement("button"), { type: "button", className: "button secondary small", textContent: label });
  found.addEventListener("click", act);
  return found;
};

// Two people changed one field: both texts, whose and when, and the choice.
export function ask(page, save) {
  const { field } = save;
  const here = page.controls(field).filter((control) => control.type !== "hidden");
  const isText = here.length === 1 && here[0].type === "textarea";
  const mine = () => {
    page.versions.set(field, save.version);
    page.open.delete(field);
    page.note(field, "");
    page.change(field);
  };
  const both = () => {
    here[0].value = `${here[0].value}\n\n${save.theirs}`.trim();
    here[0].dispatchEvent(new Event("input", { bubbles: true }));
    mine();
  };
  const theirs = () => {
    page.open.delete(field);
    page.versions.delete(field);
    page.note(field, "");
    read(page, {}, field);
  };
  const acts = document.createElement("p");
  acts.append(button(page.say("mine"), mine), " ", button(page.say("theirs"), theirs), ...(isText ? [" ", button(page.say("both"), both)] : []));
  const name = save.theirs ? "wrote" : "emptied";
  page.note(field, page.say(name, { name: save.name, when: save.when, text: save.theirs }), { more: [acts] });
}

// Read the page again once nobody types: what others changed, and what is still missing.
export function follow(page, changes) {
  clearTimeout(timer);
  timer = setTimeout(() => { if (page.waiting.size) follow(page, changes); else read(page, changes); }, CALM);
}

const who = (page) => page.querySelector("[data-behaviour~=session]")?.dataset.who;

// This page as it is now for the person who opened it; nothing when nobody, or somebody else, is signed in.
async function again() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok || answer.redirected) return null;
    const twin = new DOMParser().parseFromString(await answer.text(), "text/html");
    return who(twin) === who(document) ? twin : null;
  } catch { return null; }
}

// Take the token of a session that began anew, in another tab; whether there is one.
export async function renew(page) {
  const token = (await again())?.querySelector("form.writing-form [name=csrf_token]")?.value;
  const isNew = Boolean(token) && token !== page.form.elements.csrf_token.value;
  if (isNew) for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = token;
  return isNew;
}

async function read(page, changes, wanted = "") {
  const twin = await again();
  if (!twin) return;
  for (const live of document.querySelectorAll("[data-live]")) {
    const fresh = twin.querySelector(`[data-live="${live.dataset.live}"]`);
    if (!fresh || live.contains(document.activeElement)) continue;
    live.replaceChildren(...fresh.childNodes);
    for (const part of live.children) part.hidden = false;
  }
  const other = twin.querySelector("form.writing-form");
  if (!other) return;
  for (const [path, version] of page.pairs(other.elements.stamp.value)) {
    if (page.versions.get(path) === version || page.isUnsent(path)) continue;
    if (!page.controls(path).length) adopt(page, path, other);
    const here = page.controls(path);
    if (!here.length) {
      const added = page.line.querySelector("[data-added]");
      added.textContent = page.say("added");
      added.hidden = false;
      continue;
    }
    if (path !== wanted && here.includes(document.activeElement)) continue;
    page.isFilling = true;
    for (const control of here) copy(control, other);
    page.isFilling = false;
    page.versions.set(path, version);
    const change = changes[path];
    if (change && path !== wanted) page.note(path, page.say("changed", change));
  }
  page.stamped();
}

// A line that somebody else began is shown where an empty line of the same account waits.
function adopt(page, path, other) {
  const lines = (form) => [...form.elements].filter((one) => /^rows-\d+-id$/.test(one.name));
  const part = (line, short) => line.form.elements[line.name.replace(/id$/, short)];
  const known = new Map(lines(other).map((line) => [line.value, line]));
  const theirs = known.get(path.slice(path.indexOf(".") + 1));
  const isEmpty = (line) => page.controls(`${page.form.dataset.table}.${line.value}`)
    .every((one) => one.type === "hidden" || (one !== document.activeElement && (!["text", "textarea"].includes(one.type) || !one.value)));
  const mine = theirs && lines(page.form).find((line) => !known.has(line.value) && part(line, "account")?.value === part(theirs, "account")?.value && isEmpty(line));
  if (mine) mine.value = theirs.value;
}

// Lines of a table stand at other places on the other page: they are found by the id of their line.
function copy(control, other) {
  const name = twinName(control, other);
  const isChoice = ["radio", "checkbox"].includes(control.type);
  const same = [...other.elements].find((one) => one.name === name && (!isChoice || one.value === control.value));
  if (!same || control.type === "hidden") return;
  if (isChoice) control.checked = same.checked;
  else if (control.multiple) for (const [index, option] of [...control.options].entries()) option.selected = same.options[index]?.selected ?? false;
  else control.value = same.value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}
function twinName(control, other) {
  const [, at, short] = /^rows-(\d+)-(\w+)$/.exec(control.name) ?? [];
  if (!at) return control.name;
  const id = control.form.elements[`rows-${at}-id`].value;
  const line = [...other.elements].find((one) => /^rows-\d+-id$/.test(one.name) && one.value === id);
  return line ? line.name.replace(/id$/, short) : "";
}
