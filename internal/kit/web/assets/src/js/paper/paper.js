// Secret ballots in the member's own browser, in the format rochdale/ballots/v1: the same as the Go
// package ballotbox, whose documentation says how a vote goes and what is promised. Nothing here looks
// at the page or at the network.
//
//   const question = await readQuestion(text)           the canonical JSON of the question
//   const code = newCode(), words = await writeCode(code)
//   const { blinded, witnessBlinded, finish } = await blind(code, question)
//   const paper = await finish(signed, witnessSigned)   bytes in and out; the second if there is a witness
//   const ballot = await seal(code, paper, question, 1, { rank: [1, 0, 2] })
//
// The ballot is sent as canonical(ballot). Bytes within papers and ballots are base64url, and both can be
// kept as JSON. All of it needs crypto.subtle, which browsers give to pages of https only.
import { ed25519 } from "../../../third_party/noble-curves/ed25519.js";
import { ballotMessage, paperMessage, suite } from "./ballot.js";
import { canonical, join, toBase64 } from "./bytes.js";
import { drawing } from "./chance.js";
import { secrets, witnessSecrets } from "./code.js";
import { answers } from "./question.js";
import { sealChoice } from "./sealed.js";

export { checkReceipt, hashOf } from "./ballot.js";
export { canonical, fromBase64, toBase64 } from "./bytes.js";
export { newCode, readCode, writeCode } from "./code.js";
export { answers, readQuestion } from "./question.js";
export { scrutineerKey } from "./scrutineer.js";
export { sealChoice } from "./sealed.js";
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

// blind makes the request for a paper: always the same for one code and question. witnessBlinded is what the
// witness has to sign, null if the vote has none. finish makes the paper of the answers, and throws an error
// whose message is "paper" or "witness" if what one of them signed is no paper of this vote.
export async function blind(code, question) {
  const { ballotKey, prefix, rest } = await derive(code, question);
  const message = paperMessage(question.hash, ballotKey);
  const first = await blindMessage(question.key, message, rest);
  const second = question.witness && (await blindMessage(question.witness.key, message, join(prefix, await witnessSecrets(code, question.hash))));
  const signatureOf = async ({ finish }, answer, whose) => {
    try {
      return toBase64(await finish(answer));
    } catch {
      throw new Error(whose);
    }
  };
  async function finish(signed, witnessSigned) {
    const paper = { key: toBase64(ballotKey), prefix: toBase64(prefix), signature: await signatureOf(first, signed, "paper") };
    return second ? { ...paper, witness: await signatureOf(second, witnessSigned, "witness") } : paper;
  }
  return { blinded: first.blinded, witnessBlinded: second?.blinded ?? null, finish };
}

// seal puts a choice on a paper of this code, sealed where the vote has scrutineers. A ballot with a higher
// sequence replaces one with a lower.
export async function seal(code, paper, question, sequence, choice) {
  if (!answers(question, choice)) throw new Error("the choice does not answer the question");
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new Error("there is no such sequence");
  const { seed, ballotKey } = await derive(code, question);
  if (toBase64(ballotKey) !== paper.key) throw new Error("the paper is of another code");
  const plain = canonical(choice);
  const text = question.scrutineers ? await sealChoice(question, seed, ballotKey, sequence, plain) : plain;
  const signature = toBase64(ed25519.sign(ballotMessage(question.hash, ballotKey, sequence, text), seed));
  const witness = question.witness ? { witness: paper.witness } : {};
  return { key: paper.key, prefix: paper.prefix, paper: paper.signature, ...witness, sequence, choice: text, signature };
}
