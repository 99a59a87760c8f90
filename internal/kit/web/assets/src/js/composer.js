// Writing: a live count by the same rule as the server's, previews of pictures with a field for the
// words that describe each, Ctrl+Enter.
const links = /(^|[^\p{L}\p{N}@$#])(?:https?|gemini|gopher|ipfs):\/\/[^\s<>"]*[\p{L}\p{N}\/=#+&%$~-]/giu;
const mentions = /(^|[^\p{L}\p{N}_=\/@])@(\w+(?:[\w.-]*\w)?)@[\p{L}\p{N}.-]*[\p{L}\p{N}](?::\d+)?/giu;
const segmenter = globalThis.Intl?.Segmenter && new Intl.Segmenter();

export function countOf(text) {
  text = text.trim().replace(links, "$1" + "x".repeat(23)).replace(mentions, "$1@$2");
  let n = 0;
  for (const _ of segmenter ? segmenter.segment(text) : text) n++;
  return n;
}

function count(form) {
  const out = form.querySelector("[data-count]");
  if (!out) return;
  let n = 0;
  for (const f of form.querySelectorAll("[data-counted]")) n += countOf(f.value);
  const left = Number(form.dataset.max || 500) - n;
  out.textContent = left;
  out.classList.toggle("over", left < 0);
  const text = form.querySelector("textarea[data-counted]");
  text?.setCustomValidity(left < 0 ? form.dataset.over || " " : "");
}

function all(root) {
  for (const form of root.querySelectorAll?.("[data-composer]") ?? []) {
    form.querySelectorAll("[data-plain-alt]").forEach((e) => e.remove());
    count(form);
  }
}

document.addEventListener("input", (e) => {
  const form = e.target.closest?.("[data-composer]");
  if (form) count(form);
});

document.addEventListener("keydown", (e) => {
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) e.target.closest?.("[data-composer]")?.requestSubmit();
});

document.addEventListener("change", (e) => {
  const input = e.target;
  const box = input.matches?.("[data-pictures]") && input.form.querySelector("[data-previews]");
  if (!box) return;
  const max = Number(input.dataset.pictures || 4);
  if (input.files.length > max) {
    const some = new DataTransfer();
    [...input.files].slice(0, max).forEach((f) => some.items.add(f));
    input.files = some.files;
  }
  draw(input, box);
});

function draw(input, box) {
  const kept = [...box.querySelectorAll("input")].map((i) => i.value);
  box.querySelectorAll("img").forEach((i) => URL.revokeObjectURL(i.src));
  box.replaceChildren(...[...input.files].map((file, at) => {
    const figure = document.createElement("figure");
    const img = new Image();
    img.alt = "";
    img.src = URL.createObjectURL(file);
    const alt = document.createElement("input");
    Object.assign(alt, { name: input.dataset.alt || "alt", maxLength: 1500, placeholder: input.dataset.altLabel || "", value: kept[at] || "" });
    alt.setAttribute("aria-label", `${input.dataset.altLabel || ""} ${at + 1}`.trim());
    const gone = document.createElement("button");
    Object.assign(gone, { type: "button", className: "icon-button", textContent: "×" });
    gone.setAttribute("aria-label", `${input.dataset.removeLabel || ""} ${at + 1}`.trim());
    gone.onclick = () => {
      const rest = new DataTransfer();
      [...input.files].forEach((f, i) => i !== at && rest.items.add(f));
      box.querySelectorAll("figure")[at].remove();
      input.files = rest.files;
      draw(input, box);
      input.focus();
    };
    figure.append(img, alt, gone);
    return figure;
  }));
}

document.addEventListener("htmx:after:swap", () => all(document));
all(document);
