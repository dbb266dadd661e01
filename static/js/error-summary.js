// Brings the reader to the list of points to mend, then into the field of each.
export default function (element) {
  element.focus();
  element.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const control = target?.matches("input, select, textarea") ? target : target?.querySelector("input, select, textarea");
    if (!control) return;
    event.preventDefault();
    control.closest(".field, fieldset")?.scrollIntoView({ block: "start" });
    control.focus({ preventScroll: true });
  });
}
