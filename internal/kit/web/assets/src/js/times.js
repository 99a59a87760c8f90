// Times that say how long ago stay true while a page is open, in the words the server uses for it. The
// exact time is the element's title.
const words = document.body.dataset;
const opened = Date.now();

setInterval(() => {
  if (document.hidden) return;
  for (const t of document.querySelectorAll("time[data-ago]")) {
    const then = Date.parse(t.dateTime);
    const minutes = Math.floor((Date.now() - then) / 60000);
    // What the server wrote is right until a minute has passed, and old times do not change.
    if (!(minutes > 0 && minutes < 7 * 1440) || Date.now() - Math.max(then, opened) < 60000) continue;
    const [form, n] = minutes < 60 ? [words.minutes, minutes] : minutes < 1440 ? [words.hours, Math.floor(minutes / 60)] : [words.days, Math.floor(minutes / 1440)];
    if (form) t.textContent = form.replace("%d", n);
  }
}, 30000);
