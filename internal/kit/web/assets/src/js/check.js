// The page of a closed vote: finds one's own ballot, checks receipts, recounts. Everything is done here,
// with the published file; the code that is typed goes nowhere.
import { checkReceipt, derive, hashOf, readCode, toBase64, verifyFile } from "./paper/paper.js";
import { bytesOf, canonical, hexOf, sha256 } from "./paper/bytes.js";
import { signedBallot, signedPaper } from "./paper/ballot.js";
import { readChoice } from "./paper/question.js";
import { readFile } from "./paper/verify.js";
import { count, counts } from "./count/count.js";
import { included, leafHash, bytesOf as fromStandard, readNote, signed } from "./proof.js";
import { fill, told } from "./told.js";

// What two results have to have in common, each in one form.
const parts = ["outcome", "quota", "spent", "elected", "order", "funded"];
const votes = (list) => (list ?? []).map((t) => [t.option, t.value]);
const places = (list) => (list ?? []).map((p) => [p.option, p.name]);

function essence(r) {
  const out = parts.map((p) => r[p] ?? []).map((x) => (x === "" ? [] : x));
  return JSON.stringify([...out, r.voted ?? 0, r.ballots ?? 0, votes(r.tallies), places(r.passed), places(r.terms), (r.lots ?? []).map((l) => [l.for, l.drawn])]);
}
const totals = (stages) => JSON.stringify((stages ?? []).map((s) => [s.action, s.of ?? [], s.elected ?? [], s.excluded ?? [], votes(s.votes), s.lapsed ?? ""]));
// Stages are compared where both counters keep them alike.
const staged = (rule) => rule.startsWith("stv/") || rule.startsWith("irv/");

// recount does everything and tells say(how, words, ...texts) what it found. It gives "fits", "broken" or
// "uncounted".
export async function recount(text, expected, words, say, progress) {
  const { file, hashes, found } = await verifyFile(text, progress);
  const { question } = file;
  if (hexOf(question.hash) !== expected) {
    say("bad", words.question);
    return "broken";
  }
  for (const f of found) say("bad", words[`find-${f.kind}`] ?? f.kind, f.ballot ?? "");
  let fits = found.length === 0;
  if (fits) {
    say("good", words.signed, hashes.length);
    say("good", words.numbers, hashes.length, file.papers, question.data.roll);
    say("good", words.seed, file.seed);
  }
  const counted = found.some((f) => f.kind === "choice") ? "other" : tally(file, hashes, words, say);
  fits &&= counted !== "other";
  if (file.record) fits = (await inRecord(file, hashes, words, say)) && fits;
  else say("note", words["record-none"]);
  say("note", words.cannot);
  if (!fits) return "broken";
  return counted === "same" ? "fits" : "uncounted";
}

// tally counts again; it gives "same", "other", or "unknown" where this counter cannot.
function tally(file, hashes, words, say) {
  const { question, ballots, result } = file;
  const { data } = question;
  let mine = null;
  try {
    mine = counts(question) && count(question, ballots.map((b) => readChoice(b.choice)), hashes);
  } catch {
    // a budget of which a page cannot find the end
  }
  if (!mine) {
    say("note", words.unknown, data.rule);
    return "unknown";
  }
  const names = Object.fromEntries(data.options.map((o) => [o.id, o.name]));
  const short = (mine.elected ?? mine.funded?.map((x) => names[x]) ?? []).join(", ");
  const what = mine.outcome === "carried" && short ? short : words[mine.outcome];
  const steps = staged(data.rule) ? (mine.stages ?? []).length : 0;
  if (essence(mine) !== essence(result) || (steps && totals(mine.stages) !== totals(result.stages))) {
    say("bad", words.other, data.rule, what);
    return "other";
  }
  say("good", words.same, data.rule, what);
  if (steps) say("good", words.stages, steps);
  return "same";
}

// inRecord compares the file with what the public record was told at the close, and that with the
// checkpoint that the server signed for everybody.
async function inRecord({ question, ballots, papers, result, record }, hashes, words, say) {
  const { entry, checkpoint, key } = record;
  let body;
  try {
    const lines = entry.leaf.split("\n");
    if (lines[3] !== "ballot.closed") throw new Error(lines[3]);
    body = JSON.parse(lines.slice(5).join("\n"));
  } catch {
    say("note", words["record-none"]);
    return false;
  }
  const named = new Set(body.data.ballots.map((b) => b.hash));
  const here = new Set(hashes);
  let fits = true;
  const bad = (text, ...more) => {
    fits = false;
    say("bad", text, ...more);
  };
  for (const h of here) if (!named.has(h)) bad(words["find-added"], h);
  for (const h of named) if (!here.has(h)) bad(words["find-dropped"], h);
  const { state } = body;
  const counted = hexOf(await sha256(bytesOf(canonical(result))));
  if (state.question !== hexOf(question.hash) || (state.papers ?? 0) !== papers || ballots.length !== (state.ballots ?? 0) || state.result !== counted) bad(words["record-result"]);
  if (fits) say("good", words.record);
  if (!checkpoint) {
    say("note", words["record-unsigned"]);
    return fits;
  }
  const note = readNote(checkpoint);
  const inside = note.size === entry.size && note.root === entry.root
    && (await included(entry.seq - 1, entry.size, await leafHash(entry.leaf), entry.path.map(fromStandard), fromStandard(entry.root)));
  const signature = await signed(note, key);
  if (!inside || signature === "bad") bad(words["record-bad"]);
  else say("good", words["record-proof"], note.size, key);
  return fits;
}

export function checking(box) {
  const { check: address, hash } = box.dataset;
  const words = JSON.parse(box.dataset.words);
  const show = (where) => {
    const list = box.querySelector(`[data-found="${where}"]`);
    list.replaceChildren();
    return (how, text, ...texts) => {
      const item = box.querySelector(`template[data-how="${how}"]`).content.cloneNode(true);
      const p = item.querySelector("p");
      text.split("%s").forEach((part, i) => {
        if (i > 0) {
          const x = texts[i - 1] ?? "";
          // Hashes and keys are set as such; numbers and names are words of the sentence.
          const long = typeof x === "string" && /^\S{40,}$/.test(x);
          p.append(long ? Object.assign(document.createElement("code"), { className: "hash", textContent: x }) : typeof x === "number" ? x.toLocaleString(document.documentElement.lang || undefined) : x);
        }
        p.append(part);
      });
      list.append(item);
    };
  };
  let text = null;
  async function published(say) {
    if (!globalThis.crypto?.subtle) {
      say("note", words.insecure);
      return null;
    }
    if (text) return text;
    // Anew from the server: what a cache kept may not be what is published now.
    const r = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" }).catch((e) => ({ ok: false, statusText: e.message }));
    if (!r.ok) {
      say("bad", words.network, r.statusText || String(r.status));
      return null;
    }
    text = await r.text();
    return text;
  }
  async function opened(say) {
    const all = await published(say);
    if (!all) return null;
    const file = await readFile(all);
    if (hexOf(file.question.hash) === hash) return file;
    say("bad", words.question);
    return null;
  }
  const guarded = (where, work) => async (e) => {
    e.preventDefault();
    const say = show(where);
    try {
      await work(say, e.currentTarget ?? e.target);
    } catch (err) {
      say("bad", words.unread, String(err.message || err));
    }
  };

  const find = box.querySelector("[data-find]");
  find.addEventListener("submit", guarded("find", async (say) => {
    const file = await opened(say);
    if (!file) return;
    let code;
    try {
      code = await readCode(find.elements.code.value);
    } catch {
      say("bad", words.code);
      return;
    }
    const key = toBase64((await derive(code, file.question)).ballotKey);
    const mine = file.ballots.find((b) => b.key === key);
    if (!mine) return say("note", words.none);
    const choice = readChoice(mine.choice);
    if (!choice || !signedBallot(file.question, mine) || !(await signedPaper(file.question, mine))) return say("bad", words["mine-bad"]);
    say("good", words.mine, told(file.question, words, choice));
    say("note", words["mine-more"], await hashOf(file.question, mine), mine.sequence);
  }));

  const receipts = box.querySelector("[data-show]");
  receipts.addEventListener("submit", guarded("find", async (say) => {
    const file = await opened(say);
    if (!file) return;
    let r;
    try {
      r = JSON.parse(receipts.elements.receipt.value);
    } catch {
      r = null;
    }
    if (typeof r?.ballot !== "string" || typeof r.receipt !== "string") return say("bad", words["receipt-form"]);
    if (r.question !== hash) return say("bad", words["receipt-other"]);
    let good = false;
    try {
      good = checkReceipt(file.question, r.ballot, r.receipt);
    } catch {
      // not even in form
    }
    if (!good) return say("bad", words["receipt-bad"]);
    const hashes = await Promise.all(file.ballots.map((b) => hashOf(file.question, b)));
    const there = file.ballots[hashes.indexOf(r.ballot)];
    if (there) return say("good", words["receipt-there"], told(file.question, words, readChoice(there.choice)));
    const later = file.ballots.find((b) => b.key === r.key && b.sequence > r.sequence);
    if (later) return say("good", words["receipt-later"], told(file.question, words, readChoice(later.choice)));
    say("bad", words["receipt-missing"]);
  }));

  const button = box.querySelector("[data-recount]");
  const bar = box.querySelector("[data-progress]");
  const verdict = box.querySelector("[data-verdict]");
  button.addEventListener("click", guarded("recount", async (say) => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    delete box.dataset.result;
    verdict.textContent = words.working;
    let result = "failed";
    try {
      text = null;
      const all = await published(say);
      if (all) {
        bar.hidden = false;
        result = await recount(all, hash, words, say, (done, of) => {
          [bar.max, bar.value] = [of || 1, done];
          verdict.textContent = fill(words.checking, done, of);
        });
      }
    } finally {
      bar.hidden = true;
      button.removeAttribute("aria-busy");
      verdict.textContent = words[result];
      box.dataset.result = result;
      verdict.focus();
    }
  }));
}
