// Menus made of <details>: they close on Escape, on a click elsewhere and when another one opens.
const open = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (e) => {
  for (const d of open()) if (!d.contains(e.target)) d.open = false;
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const d of open()) {
    d.open = false;
    d.querySelector("summary").focus();
  }
});
