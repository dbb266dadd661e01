// Sends what pages that are closed kept on this device, in order, and says what became of it; what cannot be sent is shown.
import { GAP, MOST, hold, list, owner, post, put, read, remove } from "./queue.js";
import { say } from "./words.js";

const PATIENCE = 500; // milliseconds for a page that is being left
const texts = (typed) => Object.values(typed).flat().filter(Boolean).join("\n");
const element = (kind, facts, ...inside) => { const made = Object.assign(document.createElement(kind), facts); made.append(...inside); return made; };

// A page without fields of its own: all that waits is sent from here, now and when the connection is back.
export default function (box) {
  const mine = owner();
  if (!mine) return;
  let going = Promise.resolve();
  const go = () => { going = going.then(() => sendAll(box, mine, () => false)).catch(() => {}); };
  addEventListener("online", go);
  document.addEventListener("session:in", go);
  go();
}

// A page where one writes: what was typed there goes on in its fields, the rest is sent as from any other page.
export function takeUp(page, mine) {
  const box = document.querySelector("[data-waiting]");
  return sendAll(box, mine, (writer, content) => page.goOn(writer, content, (field, typed) => fill(page, field, typed)));
}

async function sendAll(box, mine, goOn) {
  const all = await list(mine.who);
  const said = [];
  for (const { writer, at } of all) {
    await hold(writer, async () => {
      let content;
      try { content = await read(mine, writer); } catch (error) {
        if (error.name === "OperationError") said.push(part(words(box, "unreadable"), forget(box, writer)));
        return false;
      }
      if (!content) return false;
      if (goOn(writer, content)) return true;
      said.push(...told(box, await replay(mine, writer, at, content), content, writer));
      return false;
    }, { signal: AbortSignal.timeout(PATIENCE) });
  }
  box.replaceChildren(...said);
}

// Send what a page left, and keep what is not taken: what was sent already as it was, the rest under new numbers.
async function replay(mine, writer, at, content) {
  const values = (name) => document.querySelector(`input[name=${name}]`)?.value ?? "";
  const keys = { token: values("csrf_token"), key: values("_key"), read: content.read };
  const said = { sent: 0, isOpen: true, at: "", why: "", left: "" };
  const waiting = new Map(content.fields.map((one) => [one.field, one]));
  const untried = new Set(waiting.keys());
  content.number += GAP;
  while (content.pending || untried.size) {
    const isAgain = Boolean(content.pending);
    content.pending ??= [...untried].slice(0, MOST).map((field) => {
      const { version, typed } = waiting.get(field);
      untried.delete(field);
      return { n: ++content.number, field, version, typed };
    });
    if (!isAgain) await put(mine, writer, at, content);
    const [status, answer] = await post(content.place, keys, writer, content.pending);
    if (status !== 200) {
      said.left = status === 403 || status === 404 ? "gone" : status === 409 ? "refused" : "wait";
      said.why = answer.message ?? "";
      break;
    }
    for (const save of answer.saves) {
      const sent = content.pending.find(({ field }) => field === save.field);
      const known = waiting.get(save.field);
      if (save.state === "saved" || save.state === "wrong") {
        said.sent += 1;
        if (untried.has(save.field)) known.version = save.version; else waiting.delete(save.field);
      } else {
        if (!known) waiting.set(save.field, { field: save.field, version: sent.version, typed: sent.typed });
        if (save.state === "closed") said.left = "closed";
        else said.left ||= save.state === "conflict" ? "choose" : "marked";
      }
    }
    Object.assign(said, { at: answer.at, isOpen: answer.is_open });
    content.pending = null;
    content.fields = [...waiting.values()];
    await (waiting.size ? put(mine, writer, at, content) : remove(writer));
  }
  return said;
}

// ---- what is said
const words = (box, name, values) => element("p", { textContent: say(box.dataset, name, values) });
function told(box, said, content, writer) {
  const place = () => element("p", {}, element("a", { href: content.address, textContent: content.title }));
  const sent = said.sent ? [notice("good", words(box, "sent", { n: said.sent, at: said.at }), ...(said.isOpen ? [] : [words(box, "late")]), place())] : [];
  if (!said.left) return sent;
  if (said.left === "wait") return [...sent, part(words(box, "wait"), place())];
  const list = element("dl", {});
  const left = new Map([...(content.pending ?? []), ...content.fields].map((one) => [one.field, one.typed]));
  for (const [field, typed] of left) list.append(element("dt", { textContent: content.labels[field] || field }), element("dd", { textContent: texts(typed) }));
  return [...sent, part(words(box, said.left, { why: said.why }), said.left === "gone" ? element("p", { textContent: content.title }) : place(), list, forget(box, writer))];
}
const part = (...inside) => notice("warn", ...inside);
const notice = (tone, ...inside) => element("div", { className: `notice ${tone}` }, element("div", {}, ...inside));
function forget(box, writer) {
  const button = element("button", { type: "button", className: "button secondary small", textContent: say(box.dataset, "forget") });
  button.addEventListener("click", async () => { await remove(writer); button.closest(".notice").remove(); });
  return element("p", {}, button);
}

// ---- the fields of this page as they were typed; whether it has those of a field
function fill(page, path, typed) {
  const lines = page.controls(path);
  if (!lines.length && !lodge(page, path, typed)) return false;
  const rest = new Map(Object.entries(typed).map(([name, values]) => [name, [...values]]));
  page.isFilling = true;
  for (const control of page.controls(path)) {
    const values = rest.get(control.name.replace(/^rows-\d+-/, "")) ?? [];
    if (control.type === "hidden") continue;
    if (["radio", "checkbox"].includes(control.type)) control.checked = values.includes(control.value);
    else if (control.multiple) for (const option of control.options) option.selected = values.includes(option.value);
    else control.value = values.shift() ?? "";
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
  page.isFilling = false;
  return true;
}
// A line that this page does not know yet takes the place of an empty one, of the same account.
function lodge({ form, versions, controls }, path, typed) {
  const key = path.slice(path.indexOf(".") + 1);
  const part = (line, short) => form.elements[line.name.replace(/id$/, short)];
  const empty = [...form.elements].find((one) => /^rows-\d+-id$/.test(one.name)
    && !versions.has(`${form.dataset.table}.${one.value}`)
    && (part(one, "account")?.value ?? "") === (typed.account?.[0] ?? "")
    && controls(`${form.dataset.table}.${one.value}`).every((control) => control.type === "hidden" || !["text", "textarea"].includes(control.type) || !control.value));
  if (empty) empty.value = key;
  return Boolean(empty);
}
