// Keeps on this device what an open page could not send yet, encrypted under a key that the server gives to its author alone.
const STORE = "pages";
const keys = new Map();
let opening = null;

// Whose page this is, and where keys are asked; nothing where a browser cannot keep secrets.
export function owner() {
  const guard = document.querySelector("[data-behaviour~=session]")?.dataset;
  return guard && globalThis.indexedDB && crypto.subtle && navigator.locks ? { who: guard.who, keys: guard.keys } : null;
}

// ---- the store: one row for an open page, by the key it draws for itself
function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("unsent", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "writer" });
    request.onsuccess = () => { request.result.onclose = () => { opening = null; }; resolve(request.result); };
    request.onerror = request.onblocked = () => { opening = null; reject(request.error); };
  });
  return opening;
}
async function work(mode, act) {
  const transaction = (await open()).transaction(STORE, mode);
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const asked = act(transaction.objectStore(STORE));
  await ended;
  return asked?.result;
}
export const remove = (writer) => work("readwrite", (rows) => rows.delete(writer));
// What an account has not sent, the oldest page first.
export async function list(who) {
  const rows = await work("readonly", (rows) => rows.getAll());
  return rows.filter((row) => row.who === who).sort((a, b) => a.at - b.at);
}
export async function clear(who) {
  for (const { writer } of await list(who)) await remove(writer);
  channel?.postMessage(who);
}

// ---- encryption: AES-GCM; a row cannot be given to another account or another page
const bound = (who, writer) => new TextEncoder().encode(`${who} ${writer}`);
export async function keyOf({ who, keys: place }, writer) {
  if (!keys.has(writer)) {
    const answer = await fetch(place.replace(/[^/]+$/, writer), { cache: "no-store" });
    const told = answer.ok ? await answer.json() : {};
    if (told.who !== who) throw new Error("no key");
    const raw = Uint8Array.from(atob(told.key), (sign) => sign.charCodeAt(0));
    keys.set(writer, await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]));
  }
  return keys.get(writer);
}
export async function put(mine, writer, at, content) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const algorithm = { name: "AES-GCM", iv, additionalData: bound(mine.who, writer) };
  const sealed = await crypto.subtle.encrypt(algorithm, await keyOf(mine, writer), new TextEncoder().encode(JSON.stringify(content)));
  await work("readwrite", (rows) => rows.put({ writer, who: mine.who, at, iv, sealed }));
}
// What a page left; nothing when it is no longer there. Throws where the key, or the row, is not good.
export async function read(mine, writer) {
  const row = await work("readonly", (rows) => rows.get(writer));
  if (!row) return null;
  const algorithm = { name: "AES-GCM", iv: row.iv, additionalData: bound(row.who, writer) };
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, await keyOf(mine, writer), row.sealed)));
}

// ---- one page at a time: a page holds its lock while it is open, so that nobody else sends what it will send
export function hold(writer, act = async () => true, options = {}) {
  return new Promise((resolve) => {
    navigator.locks.request(`unsent:${writer}`, options, async () => {
      const isHeld = await act().catch(() => false);
      resolve();
      if (isHeld) await new Promise(() => {});
    }).catch(resolve);
  });
}

// ---- what this page has not sent: written again whenever it changes, the last state after the one being written
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("unsent");
export function notes(mine, content, told) {
  const at = Date.now();
  let writing = null, isLate = false, isOver = false;
  const page = { writer: "", isKept: false, keep, settled: () => writing };
  channel?.addEventListener("message", ({ data }) => { if (data === mine.who) { isOver = true; page.isKept = false; told(false); } });
  async function write() {
    let now;
    do {
      isLate = false;
      now = content();
      page.isKept = await (now ? put(mine, page.writer, at, now) : remove(page.writer)).then(() => !isOver, () => false);
    } while (isLate);
    writing = null;
    told(Boolean(now));
  }
  function keep() {
    if (isOver) return;
    if (writing) isLate = true; else writing = write();
  }
  return page;
}

// ---- sending: saves of fields, as `POST …/champs` takes them; its status (0 without an answer) and what it says
export async function post(place, { token, key, read: shown }, writer, saves) {
  const body = new URLSearchParams({ csrf_token: token, _key: key, read: shown ?? "", saves: JSON.stringify({ writer, saves }) });
  try {
    const answer = await fetch(place, { method: "POST", body, keepalive: document.hidden && JSON.stringify(saves).length < 30000 });
    return [answer.status, answer.headers.get("content-type")?.includes("json") ? await answer.json() : {}];
  } catch { return [0, {}]; }
}
export const MOST = 100; // fields in one request
// Saves that were given a number are stored with it before they leave, except by a page that is closing.
export const GAP = 1000;
