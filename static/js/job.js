// Keeps the page of a job up to date while it is under way; a new state is shown by the page itself.
const FIRST = 1500, LONGEST = 10000, MOST = 400; // milliseconds between two looks, and looks in all

export default function (job) {
  const asked = async () => {
    const answer = await fetch(location.href, { cache: "no-store" });
    return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".job");
  };
  const show = (now) => {
    for (const selector of ["progress", "[data-progress]"]) job.querySelector(selector).replaceWith(now.querySelector(selector));
  };
  const look = async (wait, left) => {
    const now = await asked().catch(() => job); // a network that is away for a moment
    if (!now || !left || !job.isConnected) return;
    if (now.dataset.state !== job.dataset.state) { location.reload(); return; }
    if (now !== job) show(now);
    setTimeout(look, wait, Math.min(wait * 1.1, LONGEST), left - 1);
  };
  setTimeout(look, FIRST, FIRST, MOST);
}
