// Secret ballots in the member's own browser, in the format rochdale/ballots/v1: the same as the Go
// package ballotbox, whose documentation says how a vote goes and what is promised. Nothing here looks
// at the page or at the network.
//
//   const question = await readQuestion(text)           the canonical JSON of the question
//   const code = newCode(), words = await writeCode(code)
//   const { blinded, finish } = await blind(code, question)
//   const paper = await finish(answerOfTheServer)       bytes in and out
//   const ballot = await seal(code, paper, question, 1, { rank: [1, 0, 2] })
//
// The ballot is sent as canonical(ballot). Bytes within papers and ballots are base64url, and both can be
// kept as JSON. All of it needs crypto.subtle, which browsers give to pages of https only.
import { ed25519 } from "../../../third_party/noble-curves/ed25519.js";
import { ballotMessage, paperMessage, suite } from "./ballot.js";
import { canonical, toBase64 } from "./bytes.js";
import { drawing } from "./chance.js";
import { secrets } from "./code.js";
import { answers } from "./question.js";

export { checkReceipt, hashOf } from "./ballot.js";
export { canonical, fromBase64, toBase64 } from "./bytes.js";
export { newCode, readCode, writeCode } from "./code.js";
export { answers, readQuestion } from "./question.js";
export { verifyFile } from "./verify.js";

// derive gives what a code makes for a question: the ballot key (and the seed of its private half), the
// prefix of the paper, and all that blinding draws, of which the prefix is the beginning.
export async function derive(code, question) {
  const { seed, rest } = await secrets(code, question.hash);
  return { ballotKey: ed25519.getPublicKey(seed), prefix: rest.slice(0, 32), seed, rest };
}

// blindMessage blinds a message by what is drawn: prefix, salt, blinding factor, in this order. It gives
// {blinded, finish}, where finish makes the signature on the message of the blind one, and throws if it
// is not the key's.
// spec: rfc9474#4.1 rfc9474#4.2 rfc9474#4.4
export function blindMessage(key, message, drawn) {
  return drawing(drawn, async () => {
    const prepared = suite.prepare(message);
    const { blindedMsg, inv } = await suite.blind(key, prepared);
    return { blinded: blindedMsg, finish: (blindSignature) => suite.finalize(key, prepared, blindSignature, inv) };
  });
}

// blind makes the request for a paper: always the same for one code and question. finish makes the paper
// of the answer.
export async function blind(code, question) {
  const { ballotKey, prefix, rest } = await derive(code, question);
  const { blinded, finish } = await blindMessage(question.key, paperMessage(question.hash, ballotKey), rest);
  const paper = async (blindSignature) => ({
    key: toBase64(ballotKey),
    prefix: toBase64(prefix),
    signature: toBase64(await finish(blindSignature)),
  });
  return { blinded, finish: paper };
}

// seal puts a choice on a paper of this code. A ballot with a higher sequence replaces one with a lower.
export async function seal(code, paper, question, sequence, choice) {
  if (!answers(question, choice)) throw new Error("the choice does not answer the question");
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new Error("there is no such sequence");
  const { seed, ballotKey } = await derive(code, question);
  if (toBase64(ballotKey) !== paper.key) throw new Error("the paper is of another code");
  const text = canonical(choice);
  const signature = toBase64(ed25519.sign(ballotMessage(question.hash, ballotKey, sequence, text), seed));
  return { key: paper.key, prefix: paper.prefix, paper: paper.signature, sequence, choice: text, signature };
}
