// Keys: n writes, j and k walk through posts, / searches. <html data-keys="off"> turns them off,
// because single letters get in the way of speech input (WCAG 2.1.4).
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.documentElement.dataset.keys === "off") return;
  if (e.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
  if (e.key === "j" || e.key === "k") {
    const posts = [...document.querySelectorAll("article.post")];
    const here = e.target.closest?.("article.post");
    // With no post in focus, start from the first that is in view.
    let at = here ? posts.indexOf(here) + (e.key === "j" ? 1 : -1) : posts.findIndex((p) => p.getBoundingClientRect().bottom > 80);
    const post = posts[Math.max(0, Math.min(at, posts.length - 1))];
    if (!post) return;
    e.preventDefault();
    post.tabIndex = -1;
    post.focus({ preventScroll: true });
    post.scrollIntoView({ block: "nearest" });
    return;
  }
  const target = document.querySelector(`[data-key="${CSS.escape(e.key)}"]`);
  if (!target) return;
  e.preventDefault();
  if (target.matches("a, button")) target.click();
  else target.focus();
});
