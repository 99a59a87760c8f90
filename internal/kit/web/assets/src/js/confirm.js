// A form with data-confirm asks before it is sent. Without script the server asks or the act can be
// undone; this only saves the round trip.
let sure = null;

document.addEventListener("submit", (e) => {
  const form = e.target;
  const words = e.submitter?.dataset.confirm || form.dataset.confirm;
  if (!words || sure === form) {
    sure = null;
    return;
  }
  e.preventDefault();
  e.stopImmediatePropagation();
  ask(words, form, e.submitter);
}, true);

function ask(words, form, submitter) {
  const data = { ...form.dataset, ...submitter?.dataset };
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.id = "confirm-words";
  text.textContent = words;
  dialog.setAttribute("aria-labelledby", text.id);
  const row = document.createElement("div");
  row.className = "buttons";
  const button = (label, kind, value) => {
    const b = document.createElement("button");
    b.className = `button small ${kind}`;
    b.textContent = label;
    b.onclick = () => dialog.close(value);
    return b;
  };
  row.append(button(data.confirmNo || "✕", "quiet", ""), button(data.confirmYes || submitter?.textContent.trim() || "✓", "danger sure", "yes"));
  dialog.append(text, row);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue === "yes") {
      sure = form;
      form.requestSubmit(submitter);
    } else submitter?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
