// Saves each field a second after typing stops, and says in words whether it is saved.
import { say } from "./words.js";

const PAUSE = 1000, LONGEST = 10000, POLL = 15000, ACTIVE = 300000, THROTTLED = 60000; // milliseconds
const MOST = 100; // fields in one request

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
  };
  const { versions, waiting, open } = page;
  const writer = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  let number = 0, timer = 0, first = 0, shown = "", quiet = 0, active = Date.now(), sending = null, submitter = null;
  line.hidden = false;
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "writer", value: writer }));

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
  function typed(path) {
    const data = new FormData(form);
    const names = new Set(controls(path).map((control) => control.name));
    return Object.fromEntries([...names].map((name) => [place(name)[1], data.getAll(name)]));
  }

  // ---- what is said
  function tell(name, values = {}) {
    seen.textContent = say(line.dataset, name, values);
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

  // ---- sending
  function change(path) {
    if (!path || page.isFilling) return;
    active = Date.now();
    if (open.has(path)) return;
    waiting.add(path);
    if (shown !== "cut" && shown !== "lapsed") tell("writing");
    first ||= Date.now();
    clearTimeout(timer);
    timer = setTimeout(send, Math.max(0, Math.min(PAUSE, first + LONGEST - Date.now())));
  }
  function send() {
    if (sending || !form.isConnected || Date.now() < quiet) return;
    first = 0;
    sending = exchange([...waiting].slice(0, MOST)).finally(() => {
      sending = null;
      if (submitter) {
        const { button } = submitter;
        submitter = null;
        form.requestSubmit(button);
        return;
      }
      if (waiting.size && shown === "writing") timer = setTimeout(send, PAUSE);
    });
  }
  async function exchange(fields) {
    for (const path of fields) waiting.delete(path);
    const saves = fields.map((field) => ({ n: ++number, field, version: versions.get(field) ?? form.dataset.blank, typed: typed(field) }));
    const [status, answer] = await post(saves);
    if (status === 200) { await received(answer); return; }
    for (const path of fields) waiting.add(path);
    if (status === 429) quiet = Date.now() + THROTTLED;
    if (!fields.length && !waiting.size) return;
    if (status === 401 || status === 400) {
      const { renew } = await beside();
      if (await renew(page)) { timer = setTimeout(send, PAUSE); return; }
      tell("lapsed");
      document.dispatchEvent(new Event("session:over"));
    } else if (status === 403 || status === 404) tell("gone");
    else if (status) tell("refused", { why: answer.message ?? "" });
    else tell("cut");
  }
  async function post(saves) {
    const { csrf_token: token, _key: key, read } = form.elements;
    const body = new URLSearchParams({ csrf_token: token.value, _key: key.value, read: read?.value ?? "", saves: JSON.stringify({ writer, saves }) });
    try {
      const answer = await fetch(form.dataset.saves, { method: "POST", body, keepalive: document.hidden && JSON.stringify(saves).length < 30000 });
      return [answer.status, answer.headers.get("content-type")?.includes("json") ? await answer.json() : {}];
    } catch { return [0, {}]; }
  }
  async function received(answer) {
    const conflicts = [];
    let left = "";
    for (const save of answer.saves) {
      if (save.state === "saved" || save.state === "wrong") {
        versions.set(save.field, save.version);
        note(save.field, save.message, { isWrong: save.state === "wrong" });
      } else if (save.state === "conflict") { open.add(save.field); conflicts.push(save); }
      else if (save.state === "closed") left = "closed";
      else { left = "left"; note(save.field, save.message || page.say("long"), { isWrong: true }); }
    }
    stamped();
    if (conflicts.length) { const { ask } = await beside(); for (const one of conflicts) ask(page, one); }
    if (!answer.saves.length) {
      others.textContent = answer.others.join(" · ");
      others.hidden = !answer.others.length;
    }
    if (left) tell(left);
    else if (open.size) tell("conflict");
    else if (!waiting.size && answer.saves.length) {
      tell(answer.is_open ? "saved" : "late", { at: answer.at });
      form.dispatchEvent(new Event("saved"));
    }
    if (!answer.is_draft) return;
    const now = pairs(answer.stamp);
    const isChanged = [...now].some(([path, version]) => versions.get(path) !== version && !waiting.has(path) && !open.has(path));
    if (isChanged || answer.saves.length) { const { follow } = await beside(); follow(page, answer.changes); }
  }

  // ---- when
  for (const name of ["input", "change"]) form.addEventListener(name, ({ target }) => { if (target.name && target.type !== "file") change(place(target.name)[0]); });
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, () => { active = Date.now(); }, { passive: true });
  addEventListener("online", send);
  document.addEventListener("session:in", send);
  document.addEventListener("visibilitychange", () => { if (document.hidden && waiting.size) send(); });
  // The button saves the page once what was under way has arrived: two saves of one page do not cross.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (sending) { event.preventDefault(); submitter = { button: event.submitter }; return; }
    waiting.clear();
  });
  const clock = setInterval(() => {
    if (!form.isConnected) clearInterval(clock);
    else if (waiting.size || (!document.hidden && Date.now() - active < ACTIVE)) send();
  }, POLL);
  setTimeout(send, 2 * PAUSE);
}
