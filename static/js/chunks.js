// Sends a large file chunk by chunk, so that a line that drops costs one chunk; what arrived is not sent again, also
// after the page was closed. The form then names the file instead of carrying it (grants/kernel/chunks.py).
const PAUSE = 3000; // milliseconds before the line is tried again
const LEAST = 262144; // bytes: a smaller file goes with its form
const KEYS = ["csrf_token", "_key"];

const pause = () => new Promise((done) => { setTimeout(done, PAUSE); addEventListener("online", done, { once: true }); });

async function digestOf(file) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The answer to a request, asked again for as long as the line or the service is away; anything else but 2xx is an error.
async function answered(ask, cut) {
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer?.ok && !answer.redirected) return answer;
    if (answer && answer.status < 500 && answer.status !== 429) throw new Error(String(answer.status));
    cut();
    await pause();
  }
}

async function send(file, form, { progress, cut }) {
  const digest = await digestOf(file);
  const address = `/envois/${digest}`;
  const { chunk, missing } = await (await answered(() => fetch(`${address}?size=${file.size}`, { cache: "no-store" }), cut)).json();
  let left = missing.length;
  for (const number of missing) {
    progress(file.size - Math.min(left * chunk, file.size), file.size);
    const bytes = await file.slice(number * chunk, (number + 1) * chunk).arrayBuffer(); // fails when the file is gone
    const body = new FormData();
    for (const name of KEYS) body.append(name, form.get(name));
    body.append("size", file.size);
    body.append("chunk", new Blob([bytes]), "chunk");
    await answered(() => fetch(`${address}/${number}`, { method: "POST", body }), cut);
    left -= 1;
  }
  return `${digest}/${file.size}/${file.name}`;
}

// Sends the large files of a form before it, and leaves their names in their place. A file that cannot go this way stays.
export async function sendInChunks(form, tell) {
  if (!globalThis.crypto?.subtle) return;
  for (const [field, file] of [...form.entries()]) {
    if (!(file instanceof File) || file.size < LEAST) continue;
    const told = await send(file, form, tell).catch(() => null);
    if (!told) continue;
    const others = form.getAll(field).filter((other) => other !== file);
    form.delete(field);
    for (const other of others) form.append(field, other);
    form.append("_sent", `${field}/${told}`);
  }
}
