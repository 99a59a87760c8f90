// The page of a closed vote: finds one's own ballot, checks receipts, recounts. Everything is done here,
// with the published file; the code that is typed goes nowhere.
import { checkReceipt, derive, hashOf, readCode, toBase64, verifyFile } from "./paper/paper.js";
import { bytesOf, canonical, hexOf, sha256 } from "./paper/bytes.js";
import { signedBallot, signedPaper } from "./paper/ballot.js";
import { readFile, reader } from "./paper/verify.js";
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

// The result in a file of which nothing is known yet.
const noResult = canonical({ rule: "", roll: 0, voted: 0, ballots: 0 });

// recount does everything and tells say(how, words, ...texts) what it found. It gives "fits", "broken",
// "uncounted", or "sealed" where all is in order and too few scrutineers have opened the ballots.
export async function recount(text, expected, words, say, progress) {
  const all = await verifyFile(text, progress);
  const { file, hashes, found, sealed } = all;
  const { question } = file;
  if (hexOf(question.hash) !== expected) {
    say("bad", words.question);
    return "broken";
  }
  for (const f of found) say("bad", words[`find-${f.kind}`] ?? f.kind, f.ballot ?? "");
  let fits = found.length === 0;
  if (fits) {
    say("good", words.signed, hashes.length);
    if (question.witness) say("good", words.witness, question.witness.host);
    say("good", words.numbers, hashes.length, file.papers, question.data.roll);
  }
  if (question.scrutineers) opening(all, words, say);
  if (fits && !sealed) say("good", words.seed, file.seed);
  let counted = "sealed";
  if (found.some((f) => f.kind === "choice")) counted = "other";
  else if (!sealed) counted = tally(all, words, say);
  else if (canonical(file.result) !== noResult) {
    say("bad", words.early);
    counted = "other";
  }
  fits &&= counted !== "other";
  if (file.record) fits = (await inRecord(all, words, say)) && fits;
  else say("note", words["record-none"]);
  say("note", words.cannot);
  if (!fits) return "broken";
  return { same: "fits", unknown: "uncounted", sealed: "sealed" }[counted];
}

// opening tells who has opened the ballots, and which of them are spoilt.
function opening({ file, hashes, choices, sealed }, words, say) {
  const { needed, keys } = file.question.scrutineers;
  if (sealed) return say("note", words["still-sealed"], file.reveals.length, needed, keys.length);
  say("good", words.opened, file.reveals.length, keys.length);
  choices.forEach((c, i) => c ?? say("note", words.spoilt, hashes[i]));
}

// tally counts again; it gives "same", "other", or "unknown" where this counter cannot.
function tally({ file, hashes, choices, opened }, words, say) {
  const { question, result } = file;
  const { data } = question;
  let mine = null;
  try {
    mine = counts(question) && count(question, choices.filter(Boolean), hashes, opened);
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

// bodyOf is what the record has of an act of this kind, or null if it is another.
function bodyOf(inclusion, kind) {
  try {
    const lines = inclusion.leaf.split("\n");
    return lines[3] === kind ? JSON.parse(lines.slice(5).join("\n")) : null;
  } catch {
    return null;
  }
}

// inRecord compares the file with what the public record was told at the close and, where the ballots were
// sealed, when they were opened; and that with the checkpoint that the server signed for everybody.
async function inRecord({ file, hashes, sealed }, words, say) {
  const { question, ballots, papers, result, record } = file;
  const { entry, opened, checkpoint, key } = record;
  const closed = bodyOf(entry, "ballot.closed");
  const open = opened && bodyOf(opened, "ballot.unsealed");
  if (!closed || (opened ? !open : question.scrutineers && !sealed)) {
    say("note", words["record-none"]);
    return false;
  }
  const named = new Set(closed.data.ballots.map((b) => b.hash));
  const here = new Set(hashes);
  let fits = true;
  const bad = (text, ...more) => {
    fits = false;
    say("bad", text, ...more);
  };
  for (const h of here) if (!named.has(h)) bad(words["find-added"], h);
  for (const h of named) if (!here.has(h)) bad(words["find-dropped"], h);
  const { state } = closed;
  const counted = hexOf(await sha256(bytesOf(canonical(result))));
  const numbers = (state.papers ?? 0) === papers && (state.ballots ?? 0) === ballots.length;
  // Of ballots that were sealed, the result is what the opening of these very ballots has.
  const same = !open || (open.state.question === state.question && open.state.box === state.box);
  const resulted = question.scrutineers ? (open ? open.state.result === counted : sealed && !state.result) : state.result === counted;
  if (state.question !== hexOf(question.hash) || !numbers || !same || !resulted) bad(words["record-result"]);
  if (fits) say("good", words.record);
  if (fits && open) say("good", words["record-opened"]);
  if (!checkpoint) {
    say("note", words["record-unsigned"]);
    return fits;
  }
  const note = readNote(checkpoint);
  const inside = await Promise.all((opened ? [entry, opened] : [entry]).map((x) => isInside(note, x)));
  const signature = await signed(note, key);
  if (inside.includes(false) || signature === "bad") bad(words["record-bad"]);
  else say("good", words["record-proof"], note.size, key);
  return fits;
}

const isInside = async (note, { seq, size, root, path, leaf }) =>
  note.size === size && note.root === root && included(seq - 1, size, await leafHash(leaf), path.map(fromStandard), fromStandard(root));

// saying gives the words for what the ballots of a file say: {mine, text}, where mine is the key of the
// sentence for who looks for their own ballot.
async function saying(file, words) {
  const look = await reader(file);
  return async (ballot) => {
    if (!look) return { mine: "mine", text: words["choice-sealed"] };
    const said = await look(ballot);
    if (said) return { mine: "mine", text: told(file.question, words, said.choice) };
    return { mine: file.question.scrutineers ? "mine-spoilt" : "mine-bad", text: words["choice-spoilt"] };
  };
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
    const said = await (await saying(file, words))(mine);
    const good = signedBallot(file.question, mine) && (await signedPaper(file.question, mine));
    if (!good || said.mine !== "mine") return say("bad", words[good ? said.mine : "mine-bad"]);
    say("good", words.mine, said.text);
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
    const what = await saying(file, words);
    const there = file.ballots[hashes.indexOf(r.ballot)];
    if (there) return say("good", words["receipt-there"], (await what(there)).text);
    const later = file.ballots.find((b) => b.key === r.key && b.sequence > r.sequence);
    if (later) return say("good", words["receipt-later"], (await what(later)).text);
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
