// The switch between light, dark and whatever the system says. The choice is a cookie, so that the
// server writes it into the next page and nothing flashes.
const root = document.documentElement;

function show() {
  for (const b of document.querySelectorAll("[data-theme-set]"))
    b.setAttribute("aria-pressed", b.dataset.themeSet === (root.dataset.theme || "auto"));
}

document.addEventListener("click", (e) => {
  const theme = e.target.closest?.("[data-theme-set]")?.dataset.themeSet;
  if (!theme) return;
  const auto = theme === "auto";
  if (auto) delete root.dataset.theme;
  else root.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=${auto ? 0 : 31536000}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  show();
});
show();
