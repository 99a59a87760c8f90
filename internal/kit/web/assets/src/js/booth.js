// The booth: it takes a ballot paper by the member's sign-in and casts the ballot without it. What joins
// the two, the code, is made here and shown to the member; the server learns neither it nor the key that
// it makes, until the ballot itself comes, from nobody.
import { answers, blind, canonical, checkReceipt, fromBase64, hashOf, newCode, readCode, readQuestion, seal, toBase64, writeCode } from "./paper/paper.js";
import { hexOf } from "./paper/bytes.js";
import { buttons, problem, ready, Said } from "./codes.js";
import { ranking } from "./rank.js";
import { fill, told } from "./told.js";

// The question is asked for without the sign-in: the server cannot give each member another one, and so
// know a ballot again by the key that its paper is signed with.
export async function fetchQuestion(address) {
  const r = await fetch(`${address}/question`, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" });
  if (!r.ok) throw new Error(String(r.status));
  return readQuestion(await r.text());
}

// post sends JSON and gives what came back; error is empty where the server had no words of its own.
async function post(address, body, how) {
  const r = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body, cache: "no-store", ...how });
  const text = await r.text();
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    answer = { error: r.headers.get("Content-Type")?.startsWith("text/plain") ? text.trim() : "" };
  }
  return { ok: r.ok, status: r.status, ...answer };
}

// Up to three seconds, drawn anew each time: whoever has the server's counters, or sees only the sizes
// and times of requests, cannot go by "the ballot comes right after the paper".
const pause = () => new Promise((go) => setTimeout(go, (globalThis.crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32) * 3000));

// kept is what the tab remembers of a vote until it is closed: {code, paper, sequence}. The name has the
// member in it: whoever signs in after them in the same tab must not vote on their paper.
function kept(slot) {
  try {
    return JSON.parse(sessionStorage.getItem(slot));
  } catch {
    return null;
  }
}
function keep(slot, what) {
  try {
    sessionStorage.setItem(slot, JSON.stringify(what));
  } catch {
    // A browser that keeps nothing: the member has the code.
  }
}

function forget(slot) {
  try {
    sessionStorage.removeItem(slot);
  } catch {
    // then it was not kept either
  }
}

export async function booth(form) {
  const { booth: address, hash, method, voter } = form.dataset;
  const slot = `booth:${address}:${voter}`;
  const words = JSON.parse(form.dataset.words);
  const $ = (name) => form.querySelector(`[data-${name}]`);
  const say = problem(form);
  const refused = (r) => new Said(r.error ? fill(words.refused, r.error) : r.status === 429 ? words.busy : words.network);
  if (!ready(form, words)) return;
  $("server-code")?.remove();
  const list = $("ranking") && ranking($("ranking"), words);

  let session = kept(slot); // {code, paper, sequence}
  let fresh = null; // a code of this page that was never used
  let typing = form.hasAttribute("data-taken") && !session;
  const cast = $("cast");
  const typed = $("typed-code");
  const witness = $("witness-code"); // where the vote has a witness: what the member has from there

  async function showCode() {
    if (!typing && !session) fresh ??= await writeCode(newCode());
    $("new-code").hidden = typing;
    $("old-code").hidden = !typing;
    typed.disabled = !typing;
    $("code").textContent = session?.code ?? fresh ?? "";
    $("have-code").hidden = Boolean(session?.paper);
    if (witness) {
      witness.disabled = Boolean(session?.paper); // it is for the paper only
      (witness.closest("[data-witness]") ?? witness).hidden = witness.disabled;
    }
    cast.textContent = session?.sequence || typing ? cast.dataset.again : cast.dataset.first;
  }
  await showCode();

  let question = null;
  let asked = null;
  const ask = () => (asked ??= fetchQuestion(address).catch((e) => {
    asked = null;
    throw e;
  }));
  // The question of the page, or nothing is sent at all.
  async function sure() {
    if (question) return;
    let q;
    try {
      q = await ask();
    } catch {
      throw new Said(words.network);
    }
    if (hexOf(q.hash) !== hash) {
      cast.disabled = true;
      throw new Said(words.changed);
    }
    question = q;
  }
  sure().catch((e) => cast.disabled && say(e.message));

  function choice() {
    const data = new FormData(form);
    if (method === "ranking") return { rank: list.ranks() };
    if (method === "marks") return { marks: data.getAll("marks").map(Number).sort((a, b) => a - b) };
    if (method === "points") return { points: question.data.options.map((_, i) => Number(data.get(`points-${i}`) || 0)) };
    return { vote: data.get("vote") ?? "" };
  }
  const blank = (c) => [c.rank, c.marks, c.points].some((l) => l && !l.some((x) => x > 0 || method === "marks"));
  const wrong = { ranking: "ranks", marks: "marks", points: "points", vote: "choose" };

  // The code that this ballot is of, as bytes.
  async function theCode() {
    if (!typing) return readCode(session?.code ?? fresh);
    if (!typed.value.trim()) throw new Said(words["no-code"]);
    try {
      return await readCode(typed.value);
    } catch {
      typed.focus();
      throw new Said(words.code);
    }
  }

  // What the member has from the witness, empty where the vote has none.
  function witnessCode() {
    const text = witness?.value.trim() ?? "";
    if (!question.witness || text) return text;
    witness?.focus();
    throw new Said(words["no-witness-code"]);
  }

  async function takePaper(code, witnessed) {
    const { blinded, witnessBlinded, finish } = await blind(code, question);
    const more = question.witness ? { witness_blinded: toBase64(witnessBlinded), witness_code: witnessed } : {};
    const r = await post(`${address}/paper`, canonical({ blinded: toBase64(blinded), ...more }), { credentials: "same-origin" });
    if (!r.ok) {
      // A witness may be away for a while, and then the code on this page must not be lost.
      if (r.status === 409 && (r.taken ?? !question.witness)) {
        // The member has a paper already, of another code: from another tab or device. This one is for nothing.
        [typing, session] = [true, null];
        forget(slot);
        await showCode();
      }
      throw refused(r);
    }
    try {
      return await finish(fromBase64(r.signed), question.witness && fromBase64(r.witness ?? ""));
    } catch (e) {
      throw new Said(words[e.message === "witness" ? "bad-witness" : "bad-paper"]);
    }
  }

  async function putIn(code, paper, c) {
    for (let tries = 0; ; tries++) {
      const ballot = await seal(code, paper, question, session.sequence + 1, c);
      const r = await post(`${address}/box`, canonical(ballot), { credentials: "omit", referrerPolicy: "no-referrer" });
      if (r.ok) {
        if (r.ballot !== (await hashOf(question, ballot)) || !checkReceipt(question, r.ballot, r.receipt)) throw new Said(words.receipt);
        session.sequence = ballot.sequence;
        keep(slot, session);
        return { format: question.data.format, vote: question.data.vote, question: hash, ballot: r.ballot, receipt: r.receipt, key: ballot.key, sequence: ballot.sequence };
      }
      // A later ballot of this paper, from another device: this one comes after it.
      if (!r.sequence || tries > 0) throw refused(r);
      session.sequence = r.sequence - 1;
    }
  }

  let blankOnce = false;
  async function vote() {
    const step = (text) => ($("progress").textContent = text);
    say("");
    $("receipt").hidden = true;
    await sure();
    const c = choice();
    if (!answers(question, c)) throw new Said(words[wrong[method]]);
    if (blank(c) && !blankOnce) {
      blankOnce = true;
      throw new Said(words.blank);
    }
    const code = await theCode();
    const text = await writeCode(code);
    const witnessed = session?.code === text && session.paper ? "" : witnessCode();
    if (session?.code !== text) session = { code: text, paper: null, sequence: 0 };
    keep(slot, session); // before the paper: a code that is lost now is lost for good
    if (!session.paper) {
      step(words.paper);
      session.paper = await takePaper(code, witnessed);
      keep(slot, session);
      step(words.pause);
      await pause();
    }
    step(words.box);
    done(await putIn(code, session.paper, c), c);
  }

  let link = "";
  function done(receipt, c) {
    blankOnce = false;
    typing = false;
    if (witness) witness.value = "";
    form.dataset.cast = "";
    URL.revokeObjectURL(link);
    link = URL.createObjectURL(new Blob([canonical(receipt)], { type: "application/json" }));
    $("keep").href = link;
    $("choice").textContent = told(question, words, c);
    $("receipt").hidden = false;
    $("receipt").focus();
    showCode();
  }

  form.addEventListener("change", () => (blankOnce = false));
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    if (cast.getAttribute("aria-busy") === "true") return;
    cast.setAttribute("aria-busy", "true");
    try {
      await vote();
    } catch (err) {
      say(err instanceof Said ? err.message : words.network);
      if (!(err instanceof Said)) console.warn(err);
    } finally {
      $("progress").textContent = "";
      cast.removeAttribute("aria-busy");
    }
  });
  $("have-code").addEventListener("click", async () => {
    typing = true;
    await showCode();
    typed.focus();
  });
  buttons(form);
}
