// The bar that says there is something new. hx-sse holds the connection and sends each named event to
// the element; the bar counts them and waits to be clicked, so that nothing moves under the reader.
// <a class="new-posts" hidden href="/home" hx-sse:connect="/events" data-event="post" data-label="New posts: %d">
document.addEventListener("htmx:sse:after:message", (e) => {
  const bar = e.target.closest?.("[data-event]");
  if (!bar || e.detail?.message?.event !== bar.dataset.event) return;
  const n = Number(bar.dataset.n || 0) + 1;
  bar.dataset.n = n;
  bar.textContent = (bar.dataset.label || "%d").replace("%d", n.toLocaleString(document.documentElement.lang || undefined));
  bar.hidden = false;
});
