// Keeps the session alive while somebody works, warns before it ends, and signs in over the page when it has ended.
const SIGN_OF_LIFE = 300, SOON = 300; // seconds
const now = () => Date.now() / 1000;
const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

export default function (guard) {
  const { who, state, signIn } = guard.dataset;
  const warning = guard.querySelector(".session-warning");
  const line = warning.querySelector("p");
  const [stay, enter] = [warning.querySelector("[data-stay]"), warning.querySelector("[data-enter]")];
  const dialog = guard.querySelector("dialog");
  const holder = dialog.querySelector("[data-form]");
  const others = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("session");
  const sent = new WeakSet();
  let until = now() + Number(guard.dataset.left), asked = now(), shown = "", waiting = null;

  const tell = (words) => {
    if (words === shown) return;
    shown = words;
    line.textContent = words;
    warning.hidden = !words;
    stay.hidden = words !== guard.dataset.soon;
    enter.hidden = words !== guard.dataset.over;
  };
  const look = () => {
    const left = until - now();
    tell(left <= 0 ? guard.dataset.over : left <= SOON ? guard.dataset.soon : "");
  };
  const lasts = (left) => { until = now() + left; asked = now(); look(); };
  const ask = async () => {
    asked = now();
    const answer = await fetch(state, { cache: "no-store" });
    const told = await answer.json();
    lasts(told.who === who ? told.left : 0);
    others?.postMessage({ who: told.who, until });
    return told;
  };

  // ---- the warning, and what counts as activity
  others?.addEventListener("message", ({ data }) => { if (data.who === who && data.until > until) { until = data.until; look(); } });
  others?.postMessage({ who, until });
  const alive = () => { if (guard.isConnected && now() - asked > SIGN_OF_LIFE && until > now()) ask().catch(() => {}); };
  for (const name of ["keydown", "input", "pointerdown", "scroll"]) document.addEventListener(name, alive, { passive: true, capture: true });
  const clock = setInterval(() => { if (guard.isConnected) look(); else clearInterval(clock); }, 10000);
  document.addEventListener("session:over", () => { if (guard.isConnected) lasts(0); });
  stay.addEventListener("click", () => ask().catch(() => tell(guard.dataset.cut)));
  enter.addEventListener("click", () => open(fetch(signIn)));

  // ---- signing in over the page
  async function open(request) {
    try {
      const answer = await request;
      show(parsed(await answer.text()), answer.url);
    } catch { tell(guard.dataset.cut); }
  }
  function show(page, url) {
    const form = page.querySelector("main form input[type=password]")?.form;
    if (!form) { came(page, url); return; }
    for (const element of form.querySelectorAll("[id]")) element.id = `session-${element.id}`;
    for (const element of form.querySelectorAll("[for]")) element.htmlFor = `session-${element.htmlFor}`;
    for (const element of form.querySelectorAll("[aria-describedby]")) element.setAttribute("aria-describedby", element.getAttribute("aria-describedby").split(" ").map((id) => `session-${id}`).join(" "));
    const wrong = page.querySelector(".error-summary li")?.textContent;
    const words = document.createElement("p");
    if (wrong) { words.className = "field-error"; words.setAttribute("role", "alert"); words.textContent = wrong; }
    holder.replaceChildren(words, document.adoptNode(form));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      open(fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }));
    });
    tell("");
    if (!dialog.open) dialog.showModal();
    form.querySelector("input[type=email], input[name=email]").focus();
  }
  function came(page, url) {
    const here = page.querySelector("[data-behaviour~=session]")?.dataset;
    if (here?.who !== who) { location.assign(url); return; } // somebody else: this page is not theirs
    const token = page.querySelector("input[name=csrf_token]").value;
    for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = token;
    lasts(Number(here.left));
    dialog.close();
    document.dispatchEvent(new Event("session:in"));
    if (!waiting) return;
    const [form, submitter] = waiting;
    const kept = page.querySelector("main form input[name=_held]");
    for (const name of ["_held", "_key"]) {
      const from = kept?.form.querySelector(`input[name=${name}]`);
      if (!from) continue;
      const input = form.querySelector(`input[name=${name}]`) ?? form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name }));
      input.value = from.value;
    }
    waiting = null;
    send(form, submitter);
  }
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { waiting = null; holder.replaceChildren(); look(); });

  // ---- a form is sent: first whether its session still lives
  function send(form, submitter) {
    sent.add(form);
    form.requestSubmit(submitter);
  }
  async function check(form, submitter) {
    let told;
    try { told = await ask(); } catch { tell(guard.dataset.cut); return; }
    if (told.who) { send(form, submitter); return; } // the server keeps the text when it is another account's
    waiting = [form, submitter];
    const words = new FormData(form, submitter);
    for (const [name, value] of [...words]) if (typeof value !== "string") words.delete(name);
    // Sent as it is: the server keeps it, and when it came, for its author; the answer is the page to sign in.
    open(fetch(submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href, { method: "POST", body: words }));
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!guard.isConnected || form.method !== "post" || !form.closest("main") || sent.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    check(form, event.submitter);
  }, true);
}
