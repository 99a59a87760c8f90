// Makes a list of selects, one a candidate, into one that is put in order quickly: by dragging, by number
// and arrow keys, by buttons. The selects stay what is sent: everything here only sets them. Markup:
// [data-ranking] holds li[data-option][data-name], each with a select, a [data-grip] button and [data-move]
// buttons; with data-equal several may have one number. A [data-order] after it is told to screen readers.
import { fill } from "./told.js";

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function ranking(list, words) {
  const equal = list.hasAttribute("data-equal");
  const rows = [...list.querySelectorAll("li[data-option]")];
  const said = list.parentElement.querySelector("[data-order]");
  const selectOf = (row) => row.querySelector("select");
  // The order as a list of levels, best first, each of rows with one number.
  let levels = [];

  const line = document.createElement("li");
  line.className = "line";
  line.append(Object.assign(document.createElement("span"), { textContent: words.unranked }));

  function read() {
    levels = [];
    for (let rank = 1; rank <= rows.length; rank++) {
      const here = rows.filter((row) => Number(selectOf(row).value) === rank);
      if (here.length) levels.push(...(equal ? [here] : here.map((row) => [row])));
    }
  }
  const levelOf = (row) => levels.findIndex((level) => level.includes(row));
  const without = (row) => levels.map((level) => level.filter((x) => x !== row)).filter((level) => level.length);

  // show writes the order into the selects and the rows, and says it.
  function show(quiet) {
    const before = new Map([...list.children].map((row) => [row, row.offsetTop]));
    const focused = document.activeElement;
    for (const row of rows) {
      const level = levelOf(row);
      selectOf(row).value = level < 0 ? "" : String(level + 1);
      row.classList.toggle("out", level < 0);
      const { name } = row.dataset;
      const label = level < 0 ? fill(words["grip-out"], name) : fill(words.grip, name, level + 1, rows.length);
      row.querySelector("[data-grip]").setAttribute("aria-label", label);
      for (const [move, off] of [["up", level === 0 && levels[0].length === 1], ["down", level < 0 || (level === levels.length - 1 && levels[level].length === 1)], ["remove", level < 0]]) {
        // Not disabled: that would take the focus from whoever presses it a last time.
        row.querySelector(`[data-move="${move}"]`).setAttribute("aria-disabled", String(off));
      }
    }
    const order = [...levels.flat(), line, ...rows.filter((row) => levelOf(row) < 0)];
    if (order.some((row, i) => list.children[i] !== row)) {
      list.append(...order);
      if (list.contains(focused) || rows.some((row) => row.contains(focused))) focused.focus({ preventScroll: true });
      if (!quiet) glide(before);
    }
    if (quiet) return;
    const told = levels.map((level, i) => `${i + 1} ${level.map((row) => row.dataset.name).join(" = ")}`).join(", ");
    said.textContent = told ? fill(words.order, told) : words["order-out"];
    list.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // glide lets rows travel from where they were, so that the eye can follow.
  function glide(before) {
    if (still()) return;
    for (const row of list.children) {
      const far = (before.get(row) ?? row.offsetTop) - row.offsetTop;
      if (far && !row.classList.contains("dragged")) row.animate([{ transform: `translateY(${far}px)` }, { transform: "none" }], { duration: 160, easing: "ease-out" });
    }
  }

  // place gives a row a number: the number is shared where that is allowed and it is taken.
  function place(row, rank) {
    const there = levels[rank - 1]?.find((x) => x !== row);
    levels = without(row);
    const level = equal && there && levels.find((l) => l.includes(there));
    if (level) level.push(row);
    else levels.splice(Math.min(rank - 1, levels.length), 0, [row]);
    show();
  }
  function move(row, how) {
    const at = levelOf(row);
    const alone = at >= 0 && levels[at].length === 1;
    if (how === "remove") {
      if (at >= 0) levels = without(row);
    } else if (how === "up") {
      if (at < 0) levels.push([row]);
      else if (at > 0 || !alone) {
        levels = without(row);
        levels.splice(alone ? at - 1 : at, 0, [row]);
      }
    } else if (at >= 0 && (at < levels.length - 1 || !alone)) {
      levels = without(row);
      levels.splice(at + 1, 0, [row]);
    }
    show();
  }

  list.addEventListener("click", (e) => {
    const button = e.target.closest("[data-move]");
    if (button && button.getAttribute("aria-disabled") !== "true") move(button.closest("li"), button.dataset.move);
  });
  list.addEventListener("change", (e) => {
    const row = e.target.closest("li[data-option]");
    if (!row || e.target !== selectOf(row)) return;
    if (e.target.value === "") move(row, "remove");
    else place(row, Number(e.target.value));
    selectOf(row).focus({ preventScroll: true });
  });

  // Digits typed one after the other on one name make one number, where there are ten names or more.
  let typed = { row: null, digits: "", at: 0 };
  list.addEventListener("keydown", (e) => {
    const row = e.target.closest("li[data-option]");
    if (!row || e.target.matches("select") || e.ctrlKey || e.metaKey || e.altKey) return;
    const { key } = e;
    if (key === "ArrowUp") move(row, "up");
    else if (key === "ArrowDown") move(row, "down");
    else if (key === "Delete" || key === "Backspace") move(row, "remove");
    else if (/^[0-9]$/.test(key)) {
      const more = typed.row === row && e.timeStamp - typed.at < 800 ? typed.digits + key : "";
      const digits = more && Number(more) <= rows.length ? more : key;
      typed = { row, digits, at: e.timeStamp };
      if (Number(digits) === 0) move(row, "remove");
      else if (Number(digits) <= rows.length) place(row, Number(digits));
    } else return;
    e.preventDefault();
  });

  // Dragging: the row stays where it is in the document's order until the pointer has passed the middle
  // of its neighbour, which then changes places with it.
  list.addEventListener("pointerdown", (e) => {
    const row = e.target.closest("li[data-option]");
    const byTouch = e.pointerType !== "mouse";
    if (!row || e.button !== 0 || e.target.closest("select, [data-move]") || (byTouch && !e.target.closest("[data-grip]"))) return;
    let from = e.pageY;
    let moved = false;
    const follow = (ev) => {
      if (ev.pointerId !== e.pointerId) return;
      if (!moved && Math.abs(ev.pageY - from) < 5) return;
      if (!moved) {
        moved = true;
        row.setPointerCapture(e.pointerId);
        row.classList.add("dragged");
      }
      ev.preventDefault();
      for (let next; (next = neighbour(row, ev.pageY - from)); ) {
        const was = row.offsetTop;
        if (next.offsetTop < row.offsetTop) row.after(next);
        else row.before(next);
        from += row.offsetTop - was;
        if (!still()) next.animate([{ transform: `translateY(${row.offsetTop > was ? row.offsetHeight : -row.offsetHeight}px)` }, { transform: "none" }], { duration: 120 });
      }
      row.style.transform = `translateY(${ev.pageY - from}px)`;
      if (ev.clientY < 70) scrollBy(0, -12);
      else if (ev.clientY > innerHeight - 70) scrollBy(0, 12);
    };
    const drop = (ev) => {
      if (ev.pointerId !== e.pointerId) return;
      removeEventListener("pointermove", follow);
      removeEventListener("pointerup", drop);
      removeEventListener("pointercancel", drop);
      row.classList.remove("dragged");
      row.style.transform = "";
      if (!moved) return;
      if (ev.type === "pointerup") settle(row);
      show();
    };
    addEventListener("pointermove", follow, { passive: false });
    addEventListener("pointerup", drop);
    addEventListener("pointercancel", drop);
  });

  // neighbour is the row whose middle the edge of the dragged one has passed.
  function neighbour(row, by) {
    const [top, bottom] = [row.offsetTop + by, row.offsetTop + by + row.offsetHeight];
    const [above, below] = [row.previousElementSibling, row.nextElementSibling];
    if (above && top < above.offsetTop + above.offsetHeight / 2) return above;
    if (below && bottom > below.offsetTop + below.offsetHeight / 2) return below;
    return null;
  }
  // settle reads the order from where the row was dropped.
  function settle(row) {
    const order = [...list.children];
    const at = order.indexOf(row);
    levels = without(row);
    if (at > order.indexOf(line)) return;
    const [above, below] = [order[at - 1], order[at + 1]];
    const level = above && levels.find((l) => l.includes(above));
    if (level && level.includes(below)) level.push(row); // dropped among equals
    else levels.splice(level ? levels.indexOf(level) + 1 : 0, 0, [row]);
  }

  read();
  show(true);
  // ranks are the numbers as a ballot has them, by the places of the options in the question.
  const ranks = () => rows.toSorted((a, b) => a.dataset.option - b.dataset.option).map((row) => levelOf(row) + 1);
  return { ranks };
}
