// The scrutineers' forms. Before the opening each registers a public key, and after the close gives up the
// private one. Both are made here, of a code that the scrutineer keeps and that is never sent: before the
// close the server has nothing that opens a ballot. Without script a key is pasted by hand.
import { newCode, readCode, scrutineerKey, writeCode } from "./paper/paper.js";
import { buttons, problem, ready, Said } from "./codes.js";

// taken hides the field for the key: its value is made here. It must not hold up the form by being empty.
function taken(form) {
  const field = form.elements.key;
  field.type = "hidden";
  return field;
}

// scrutineer offers a code in a form that has [data-offer], and puts its public key into the field. The form
// can be sent once the member says that the code is noted.
export async function scrutineer(form) {
  const $ = (name) => form.querySelector(`[data-${name}]`);
  if (!form.matches("[data-offer]") && !$("offer")) return;
  if (!ready(form, JSON.parse(form.dataset.words))) return;
  const [key, noted] = [taken(form), $("noted")];
  const send = form.querySelector('button[type="submit"], button:not([type])');
  noted.checked = false; // a browser that comes back ticks it again, and the code is another one now
  noted.disabled = send.disabled = true;
  const code = newCode();
  const { publicKey } = await scrutineerKey(code, form.dataset.vote);
  $("code").textContent = await writeCode(code);
  key.value = publicKey;
  buttons(form);
  noted.addEventListener("change", () => (send.disabled = !noted.checked));
  form.addEventListener("submit", (e) => {
    key.value = publicKey;
    if (!noted.checked) e.preventDefault();
  });
  noted.disabled = false;
}

// revealing takes the code in a form that has [data-reveal], and sends the private key that it makes if that
// is the one that was registered, and nothing otherwise.
export function revealing(form) {
  const words = JSON.parse(form.dataset.words);
  if (!ready(form, words)) return;
  const key = taken(form);
  const typed = form.querySelector("[data-typed-code]");
  const say = problem(form);
  async function make() {
    if (!typed.value.trim()) throw new Said(words["no-code"]);
    let code;
    try {
      code = await readCode(typed.value);
    } catch {
      throw new Said(words.code);
    }
    const { publicKey, privateKey } = await scrutineerKey(code, form.dataset.vote);
    if (publicKey !== form.dataset.key) throw new Said(words["other-code"]);
    return privateKey;
  }
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    say("");
    try {
      key.value = await make();
    } catch (err) {
      if (!(err instanceof Said)) throw err;
      say(err.message);
      typed.focus();
      return;
    }
    typed.value = "";
    form.submit(); // without asking again what was asked before
  });
}
