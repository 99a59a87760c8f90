// Checks a published file of ballots in the reader's own browser, as ballotbox.Verify does, but for the
// count itself.
import { hashOf, signedBallot, unsigned, wellFormed } from "./ballot.js";
import { bytesOf, canonical, fromBase64, hexOf, join, sha256 } from "./bytes.js";
import { answers, readChoice, readQuestion } from "./question.js";
import { isReveal, opener, readSealed } from "./sealed.js";
import { seedOf } from "../count/lot.js";

function isBallot(b) {
  [b.key, b.prefix, b.paper, b.signature, b.witness ?? ""].forEach(fromBase64); // which throws if one is none
  const fields = `key,prefix,paper,${b.witness ? "witness," : ""}sequence,choice,signature`;
  return Object.keys(b).join() === fields && Number.isSafeInteger(b.sequence) && b.sequence >= 0 && typeof b.choice === "string";
}

function areReveals(list) {
  if (!Array.isArray(list) || list.length < 1 || list.length > 9) return false;
  list.forEach((r) => fromBase64(r.key));
  return list.every((r) => Object.keys(r).join() === "place,key" && Number.isSafeInteger(r.place));
}

// readFile reads the text of a published file: {question, papers, ballots, reveals, seed, result, record},
// where question is as readQuestion gives it. It throws if the file is not in form.
export async function readFile(text) {
  const file = JSON.parse(text);
  const question = canonical(file.question);
  // The question's hash is of the very bytes in the file, so it has to stand there in its one form.
  if (!text.startsWith(`{"question":${question},"papers":`)) throw new Error("this is no file of ballots");
  const ok = Array.isArray(file.ballots) && file.ballots.every(isBallot) && Number.isSafeInteger(file.papers) && file.papers >= 0;
  if (!ok || (file.reveals !== undefined && !areReveals(file.reveals))) throw new Error("this is no file of ballots");
  return { ...file, reveals: file.reveals ?? [], question: await readQuestion(question) };
}

// reader gives what reads the ballots of a file, opened by the scrutineers' reveals where they were sealed: a
// function of a ballot, which gives {choice, secret}, or null if there is no answer to the question in it. It
// is null while too few scrutineers have given up their keys.
export async function reader({ question, reveals }) {
  if (question.scrutineers) return opener(question, reveals);
  return async (ballot) => {
    const choice = readChoice(ballot.choice);
    return choice && answers(question, choice) ? { choice } : null;
  };
}

// check gives the kinds of what is wrong with one ballot, in ballotbox's words.
async function check(question, b, said) {
  if (!wellFormed(question, b)) return ["form"];
  const found = await unsigned(question, b);
  if (!signedBallot(question, b)) found.push("signature");
  if (question.scrutineers ? !readSealed(question, b.choice) : !said) found.push("choice");
  return found;
}

// checkReveals gives a finding for each reveal that is none or out of its place.
async function checkReveals({ question, reveals }) {
  const good = await Promise.all(reveals.map((r) => isReveal(question, r)));
  return reveals.filter((r, i) => !good[i] || (i > 0 && r.place <= reveals[i - 1].place)).map(() => ({ kind: "reveal" }));
}

// openedOf is what the secrets of the ballots that opened give to the lots, in the order of the ballots'
// hashes: the same, whichever scrutineers opened them.
async function openedOf(hashes, read) {
  const order = hashes.map((hash, i) => ({ hash, secret: read[i]?.secret })).filter((x) => x.secret);
  order.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  return sha256(join(bytesOf("rochdale/opened/v1"), ...order.map((x) => x.secret)));
}

// verifyFile checks all that can be checked of a file by itself except the count: every signature and
// choice, that each key is there once, the order, the numbers, the reveals and the seed of the lots. It gives
//   file     as readFile does
//   hashes   of its ballots
//   choices  of its ballots, null for one that is spoilt or cannot be read
//   sealed   whether too few scrutineers have given up their keys, so that no choice can be read
//   opened   for the lots, of ballots that were sealed; else undefined
//   found    a list of {kind, ballot, key}, empty if all is well, where ballot and key are there if it is
//            about one ballot. The kinds are ballotbox's. A spoilt ballot is none of them.
// progress(done, all) is called now and then, and the page stays alive meanwhile.
export async function verifyFile(text, progress = () => {}) {
  const file = await readFile(text);
  const { question, ballots, papers } = file;
  const look = await reader(file);
  const found = [];
  const hashes = [];
  const read = [];
  const keys = new Set();
  let paused = performance.now();
  for (const [i, b] of ballots.entries()) {
    const ballot = await hashOf(question, b);
    hashes.push(ballot);
    read.push(look && (await look(b)));
    const kinds = await check(question, b, read[i]);
    if (keys.has(b.key)) kinds.push("twice");
    keys.add(b.key);
    if (i > 0 && hashes[i - 1] > ballot) kinds.push("order");
    for (const kind of kinds) found.push({ kind, ballot, key: b.key });
    if (i + 1 < ballots.length && performance.now() - paused > 50) {
      progress(i + 1, ballots.length);
      await new Promise((go) => setTimeout(go));
      paused = performance.now();
    }
  }
  progress(ballots.length, ballots.length);
  if (ballots.length > papers) found.push({ kind: "papers" });
  if (papers > question.data.roll) found.push({ kind: "roll" });
  found.push(...(await checkReveals(file)));
  // A result without the keys that open its ballots.
  if (!look && (file.seed !== "0".repeat(64) || file.result?.rule)) found.push({ kind: "reveal" });
  const choices = read.map((r) => r?.choice ?? null);
  const sealed = !look;
  const opened = question.scrutineers && !sealed ? await openedOf(hashes, read) : undefined;
  const seed = sealed ? "0".repeat(64) : hexOf(seedOf(question.data, hashes, opened));
  if (file.seed !== seed) found.push({ kind: "seed" });
  return { file, hashes, choices, sealed, opened, found };
}
