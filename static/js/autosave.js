// Saves each field a second after typing stops, and says in words whether it is saved.
import { GAP, MOST, hold, keyOf, list, notes, owner, post } from "./queue.js";
import { say } from "./words.js";

const PAUSE = 1000, LONGEST = 10000, POLL = 15000, ACTIVE = 300000, THROTTLED = 60000; // milliseconds

const beside = () => import("./autosave-others.js"); // what is asked of the page again, and what others write
const pairs = (stamp) => new Map(stamp.split(" ").filter(Boolean).map((one) => [one.slice(0, one.lastIndexOf(":")), one.slice(one.lastIndexOf(":") + 1)]));

export default function (form) {
  const line = document.querySelector("[data-save-state]");
  const [seen, spoken, others] = ["seen", "spoken", "others"].map((name) => line.querySelector(`[data-${name}]`));
  const paths = JSON.parse(form.dataset.paths);
  const page = {
    form, pairs,
    versions: pairs(form.elements.stamp.value), // of each field, as this page knows it
    waiting: new Set(), // fields to be sent
    open: new Set(), // fields that two people changed, until one chooses
    controls, change, note, stamped, line, say: (name, values) => say(line.dataset, name, values), isFilling: false,
    isUnsent: (path) => waiting.has(path) || open.has(path) || Boolean(pending?.some(({ field }) => field === path)),
  };
  const { versions, waiting, open } = page;
  const stuck = new Set(); // fields that were refused, until they are typed again
  const elsewhere = new Map(); // what was kept of lines that this page does not show
  const mine = owner();
  const device = mine && notes(mine, unsent, kept);
  let writer = crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  let pending = null; // the saves that were sent and not answered yet: the very same are sent again
  let number = 0, timer = 0, first = 0, shown = "", why = "", quiet = 0, active = Date.now(), sending = null, submitter = null, isFlushed = false;
  line.hidden = false;
  const named = form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: "writer", value: writer }));

  // ---- which field a control belongs to; a line of a table is one, known by its id
  function place(name) {
    const [, at, short] = /^rows-(\d+)-(\w+)$/.exec(name) ?? [];
    if (!at) return [paths[name], name];
    const id = form.elements[`rows-${at}-id`];
    return short === "id" || !id ? [] : [`${form.dataset.table}.${id.value}`, short];
  }
  function controls(path, root = form) {
    return [...root.elements].filter((control) => control.type !== "file" && control.name && place(control.name)[0] === path);
  }
  function typed(path, data = new FormData(form)) {
    if (elsewhere.has(path)) return elsewhere.get(path);
    const names = new Set(controls(path).map((control) => control.name));
    return Object.fromEntries([...names].map((name) => [place(name)[1], data.getAll(name)]));
  }

  // ---- what is said
  function tell(name, values = {}) {
    seen.textContent = say(line.dataset, device?.isKept && `${name}Kept` in line.dataset ? `${name}Kept` : name, values);
    line.classList.toggle("warn", !["saved", "late", "writing"].includes(name));
    if (name !== shown && name !== "writing") spoken.textContent = seen.textContent;
    shown = name;
  }
  // What stands beside a field: a mistake, who changed it, or the choice of a conflict.
  function note(path, message, { isWrong = false, more = [] } = {}) {
    const here = controls(path).filter((control) => control.type !== "hidden");
    const id = `note-${path}`;
    document.getElementById(id)?.remove();
    for (const control of here) {
      for (const one of [control.id, control.closest("fieldset")?.id]) document.getElementById(`${one}-error`)?.remove();
      if (isWrong) control.setAttribute("aria-invalid", "true"); else control.removeAttribute("aria-invalid");
      const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
      control.setAttribute("aria-describedby", [...others, ...(message ? [id] : [])].join(" "));
      const nearest = control.closest(".field, td, th");
      if (nearest?.matches(".field")) nearest.classList.toggle("invalid", isWrong);
    }
    const box = here[0]?.closest(".field, .row, td, th, fieldset");
    if (!box || !message) return;
    const words = Object.assign(document.createElement("div"), { id, className: isWrong ? "save-note field-error" : "save-note" });
    words.append(Object.assign(document.createElement("p"), { textContent: message }), ...more);
    box.append(words);
  }
  function stamped() {
    form.elements.stamp.value = [...versions].map((one) => one.join(":")).join(" ");
  }

  // ---- what is kept on this device until it is sent
  function unsent() {
    const left = [...new Set([...waiting, ...open, ...stuck])];
    if (!pending && !left.length) return null;
    const data = new FormData(form);
    const fields = left.map((field) => ({ field, version: versions.get(field) ?? form.dataset.blank, typed: typed(field, data) }));
    const labels = Object.fromEntries([...fields, ...(pending ?? [])].map(({ field }) => [field, labelled(field)]));
    const title = `${document.querySelector("main h1").textContent} · ${form.dataset.dossier}`;
    return { place: form.dataset.saves, address: location.pathname, title, read: form.elements.read?.value, number, pending, fields, labels };
  }
  function labelled(path) {
    const control = controls(path).find((one) => one.type !== "hidden");
    const words = control?.closest("fieldset")?.querySelector("legend") ?? control?.labels?.[0];
    return words?.textContent.replace(/\s+/g, " ").trim() ?? "";
  }
  function kept(isAny) {
    if (["cut", "lapsed", "refused"].includes(shown)) tell(shown, { why });
    if (device.isKept && isAny) form.dispatchEvent(new Event("kept"));
  }
  // Go on where a page that is closed stopped, unless one writes here already or what it showed has changed: under its
  // name and after its numbers, so that nothing that it sent has a second effect.
  page.goOn = (before, content, fill) => {
    if (content.place !== form.dataset.saves || content.read !== form.elements.read?.value || waiting.size || pending) return false;
    writer = named.value = device.writer = before;
    number = content.number + GAP;
    pending = content.pending;
    for (const { field, typed: words } of pending ?? []) fill(field, words);
    for (const { field, version, typed: words } of content.fields) {
      versions.set(field, version);
      waiting.add(field);
      if (!fill(field, words)) elsewhere.set(field, words);
    }
    stamped();
    tell("writing");
    Promise.resolve(sending).then(send);
    return true;
  };
  async function start() {
    device.writer = writer;
    hold(writer);
    if ((await list(mine.who)).length) { const { takeUp } = await import("./unsent.js"); await takeUp(page, mine); }
    await keyOf(mine, writer);
  }

  // ---- sending
  function change(path) {
    if (!path || page.isFilling) return;
    active = Date.now();
    isFlushed = false;
    stuck.delete(path);
    elsewhere.delete(path);
    if (!open.has(path)) waiting.add(path);
    device?.keep();
    if (open.has(path)) return;
    if (shown !== "cut" && shown !== "lapsed") tell("writing");
    first ||= Date.now();
    clearTimeout(timer);
    timer = setTimeout(send, Math.max(0, Math.min(PAUSE, first + LONGEST - Date.now())));
  }
  function send() {
    if (sending || !form.isConnected || Date.now() < quiet) return;
    first = 0;
    sending = exchange().finally(() => {
      sending = null;
      if (submitter) {
        const { button } = submitter;
        submitter = null;
        isFlushed = true;
        form.requestSubmit(button);
        return;
      }
      if (waiting.size && !pending) timer = setTimeout(send, PAUSE);
    });
  }
  async function exchange() {
    if (!pending && waiting.size) {
      const data = new FormData(form);
      pending = [...waiting].slice(0, MOST).map((field) => ({ n: ++number, field, version: versions.get(field) ?? form.dataset.blank, typed: typed(field, data) }));
      for (const { field } of pending) waiting.delete(field);
      device?.keep();
      if (!document.hidden) await device?.settled();
    }
    const { csrf_token: token, _key: key, read } = form.elements, saves = pending;
    const [status, answer] = await post(form.dataset.saves, { token: token.value, key: key.value, read: read?.value }, writer, saves ?? []);
    if (status === 200) {
      if (pending === saves) pending = null;
      try { await received(answer); } finally { device?.keep(); }
      return;
    }
    if (status === 429) quiet = Date.now() + THROTTLED;
    if (!saves) return;
    if (status === 401 || status === 400) {
      const { renew } = await beside();
      if (await renew(page)) { timer = setTimeout(send, PAUSE); return; }
      tell("lapsed");
      document.dispatchEvent(new Event("session:over"));
    } else if (status === 403 || status === 404) tell("gone");
    else if (status) { why = answer.message ?? ""; tell("refused", { why }); }
    else tell("cut");
  }
  async function received(answer) {
    const conflicts = [];
    let left = "";
    for (const save of answer.saves) {
      if (save.state === "saved" || save.state === "wrong") {
        versions.set(save.field, save.version);
        elsewhere.delete(save.field);
        note(save.field, save.message, { isWrong: save.state === "wrong" });
      } else if (save.state === "conflict") { open.add(save.field); conflicts.push(save); }
      else if (save.state === "closed") { left = "closed"; stuck.add(save.field); }
      else { left = "left"; stuck.add(save.field); note(save.field, save.message || page.say("long"), { isWrong: true }); }
    }
    stamped();
    if (conflicts.length) { const { ask } = await beside(); for (const one of conflicts) ask(page, one); }
    if (!answer.saves.length) {
      others.textContent = answer.others.join(" · ");
      others.hidden = !answer.others.length;
    }
    if (left) tell(left);
    else if (open.size) tell("conflict");
    else if (waiting.size) tell("writing");
    else if (answer.saves.length) {
      tell(answer.is_open ? "saved" : "late", { at: answer.at });
      form.dispatchEvent(new Event("saved"));
    }
    if (!answer.is_draft) return;
    const now = pairs(answer.stamp);
    const isChanged = [...now].some(([path, version]) => versions.get(path) !== version && !page.isUnsent(path));
    if (isChanged || answer.saves.length) { const { follow } = await beside(); follow(page, answer.changes); }
  }

  // ---- when
  for (const name of ["input", "change"]) form.addEventListener(name, ({ target }) => { if (target.name && target.type !== "file") change(place(target.name)[0]); });
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, () => { active = Date.now(); }, { passive: true });
  addEventListener("online", send);
  document.addEventListener("session:in", send);
  document.addEventListener("visibilitychange", () => { if (document.hidden && (waiting.size || pending)) send(); });
  // The button saves the page once what was typed has arrived: two saves of one page do not cross.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!isFlushed && (waiting.size || pending)) send();
    if (sending) { event.preventDefault(); submitter = { button: event.submitter }; return; }
    waiting.clear();
  });
  const clock = setInterval(() => {
    if (!form.isConnected) clearInterval(clock);
    else if (waiting.size || pending || (!document.hidden && Date.now() - active < ACTIVE)) send();
  }, POLL);
  if (device) start().catch(() => {});
  setTimeout(send, 2 * PAUSE);
}
