// Checks a published file of ballots in the reader's own browser, as ballotbox.Verify does, but for the
// count itself.
import { hashOf, signedBallot, signedPaper, wellFormed } from "./ballot.js";
import { bytesOf, canonical, fromBase64, hexOf, join, lp, sha256, u64 } from "./bytes.js";
import { answers, readChoice, readQuestion } from "./question.js";

// seedOf is the seed of the lots, which the hashes of all ballots make; it takes them sorted.
async function seedOf({ data }, hashes) {
  const list = hashes.map((h) => lp(Uint8Array.from(h.match(/../g), (x) => parseInt(x, 16))));
  return hexOf(await sha256(join(lp(bytesOf("rochdale/seed/v1")), lp(bytesOf(data.rule)), lp(bytesOf(data.vote)), u64(list.length), ...list, u64(0))));
}

function isBallot(b) {
  [b.key, b.prefix, b.paper, b.signature].forEach(fromBase64); // which throws if one is none
  return Object.keys(b).join() === "key,prefix,paper,sequence,choice,signature" && Number.isSafeInteger(b.sequence) && b.sequence >= 0 && typeof b.choice === "string";
}

// readFile reads the text of a published file: {question, papers, ballots, seed, result, record}, where
// question is as readQuestion gives it. It throws if the file is not in form.
export async function readFile(text) {
  const file = JSON.parse(text);
  const question = canonical(file.question);
  // The question's hash is of the very bytes in the file, so it has to stand there in its one form.
  if (!text.startsWith(`{"question":${question},"papers":`)) throw new Error("this is no file of ballots");
  const ok = Array.isArray(file.ballots) && file.ballots.every(isBallot) && Number.isSafeInteger(file.papers) && file.papers >= 0;
  if (!ok) throw new Error("this is no file of ballots");
  return { ...file, question: await readQuestion(question) };
}

// check gives the kinds of what is wrong with one ballot, in ballotbox's words.
async function check(question, b) {
  if (!wellFormed(b)) return ["form"];
  const found = [];
  if (!(await signedPaper(question, b))) found.push("paper");
  if (!signedBallot(question, b)) found.push("signature");
  const choice = readChoice(b.choice);
  if (!choice || !answers(question, choice)) found.push("choice");
  return found;
}

// verifyFile checks all that can be checked of a file by itself except the count: every signature and
// choice, that each key is there once, the order, the numbers and the seed of the lots. It gives the file
// as readFile does, the hashes of its ballots, and what it found: a list of {kind, ballot, key}, empty if
// all is well, where ballot and key are there if it is about one ballot. The kinds are ballotbox's.
// progress(done, all) is called now and then, and the page stays alive meanwhile.
export async function verifyFile(text, progress = () => {}) {
  const file = await readFile(text);
  const { question, ballots, papers } = file;
  const found = [];
  const hashes = [];
  const keys = new Set();
  let paused = performance.now();
  for (const [i, b] of ballots.entries()) {
    const ballot = await hashOf(question, b);
    hashes.push(ballot);
    const kinds = await check(question, b);
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
  if ((await seedOf(question, hashes.toSorted())) !== file.seed) found.push({ kind: "seed" });
  return { file, hashes, found };
}
