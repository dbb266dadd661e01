// Shows a question only after the answer that calls for it; without scripts it stays, with its condition in words.
export default function (question) {
  const form = question.closest("form");
  const { name, value } = question.dataset;
  const show = () => {
    const chosen = form.querySelector(`input[name="${CSS.escape(name)}"]:checked`);
    const filled = [...question.querySelectorAll("input, textarea, select")].some((input) => input.getAttribute("aria-invalid") === "true");
    question.hidden = chosen?.value !== value && !filled;
  };
  form.addEventListener("change", show);
  show();
}
