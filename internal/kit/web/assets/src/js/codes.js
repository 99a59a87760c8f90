// What the pages on which codes are made have in common. A code is made in the browser, shown once, copied or
// printed, and is never sent.

// Said is an error whose words are for the member.
export class Said extends Error {}

// ready shows a form with what needs script, or says why it stays the plain one.
export function ready(form, words) {
  if (globalThis.crypto?.subtle && globalThis.BigInt) {
    form.dataset.ready = "";
    return true;
  }
  form.dataset.plain = "";
  form.querySelector(".without-script .notice p")?.prepend(words.insecure + " ");
  return false;
}

// buttons lets a code be copied and printed: [data-copy-code] and [data-print-code], of what is in [data-code].
export function buttons(form) {
  const code = form.querySelector("[data-code]");
  const copy = form.querySelector("[data-copy-code]");
  copy?.addEventListener("click", async () => {
    const label = copy.querySelector("span");
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.dataset.label ??= label.textContent;
      label.textContent = copy.dataset.done;
      setTimeout(() => (label.textContent = copy.dataset.label), 2000);
    } catch {
      getSelection().selectAllChildren(code); // no clipboard here: the member copies by hand
    }
  });
  form.querySelector("[data-print-code]")?.addEventListener("click", () => {
    document.documentElement.classList.add("print-code");
    print();
    document.documentElement.classList.remove("print-code");
  });
}

// problem gives what says what is wrong in [data-problem], and hides it when nothing is.
export function problem(form) {
  const box = form.querySelector("[data-problem]");
  return (text) => {
    box.querySelector("p").textContent = text;
    box.hidden = !text;
  };
}
