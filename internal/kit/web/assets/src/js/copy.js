// A button with data-copy="#field" puts what the field holds on the clipboard and says that it did; a
// field with data-select is selected whole when it gets the focus.
document.addEventListener("click", async (e) => {
  const button = e.target.closest?.("[data-copy]");
  const field = button && document.querySelector(button.dataset.copy);
  if (!field) return;
  try {
    await navigator.clipboard.writeText(field.value);
    const words = button.querySelector("span") ?? button;
    button.dataset.label ??= words.textContent;
    words.textContent = button.dataset.done || "✓";
    setTimeout(() => (words.textContent = button.dataset.label), 2000);
  } catch {
    field.select(); // no clipboard here: the reader copies by hand
  }
});
document.addEventListener("focusin", (e) => e.target.matches?.("[data-select]") && e.target.select());
