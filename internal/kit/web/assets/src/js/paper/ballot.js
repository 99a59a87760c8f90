// Ballots as they are sent and published: what is signed and hashed, and whether it is so.
import { BlindRSA, PrepareType } from "../../../third_party/blindrsa-ts/blindrsa.js";
import { ed25519 } from "../../../third_party/noble-curves/ed25519.js";
import { bytesOf, fromBase64, fromHex, hexOf, join, lp, sha256, u64 } from "./bytes.js";

// spec: rfc9474#5
export const suite = new BlindRSA({ hash: "SHA-384", saltLength: 48, prepareType: PrepareType.Randomized, supportsRSARAW: false });

// Stricter than the library's own rule, so that it and Go agree on every signature.
const strict = { zip215: false };

export const paperMessage = (questionHash, key) => join(bytesOf("rochdale/paper/v1"), lp(questionHash), lp(key));

export const ballotMessage = (questionHash, key, sequence, choice) =>
  join(bytesOf("rochdale/ballot/v1"), lp(questionHash), lp(key), u64(sequence), lp(bytesOf(choice)));

// hashOf is the hash of a ballot, in hexadecimal: its name in the published file.
export async function hashOf(question, b) {
  const [key, prefix, paper, signature] = [b.key, b.prefix, b.paper, b.signature].map((x) => lp(fromBase64(x)));
  const witness = b.witness ? [lp(fromBase64(b.witness))] : []; // the question says whether there is one
  const all = join(bytesOf("rochdale/ballot-hash/v1"), lp(question.hash), key, prefix, paper, ...witness, u64(b.sequence), lp(bytesOf(b.choice)), signature);
  return hexOf(await sha256(all));
}

// unsigned gives which signatures on the paper of a ballot are not good: "paper" for that of the election's
// key, "witness" for that of the witness where the vote has one.
// spec: rfc9474#4.5
export async function unsigned(question, b) {
  const message = join(fromBase64(b.prefix), paperMessage(question.hash, fromBase64(b.key)));
  const found = [];
  if (!(await suite.verify(question.key, fromBase64(b.paper), message))) found.push("paper");
  if (question.witness && !(await suite.verify(question.witness.key, fromBase64(b.witness ?? ""), message))) found.push("witness");
  return found;
}

// signedPaper tells whether a paper is signed by everybody who has to.
export const signedPaper = async (question, b) => (await unsigned(question, b)).length === 0;

// signedBallot tells whether a ballot is signed by its own key.
export const signedBallot = (question, b) =>
  ed25519.verify(fromBase64(b.signature), ballotMessage(question.hash, fromBase64(b.key), b.sequence, b.choice), fromBase64(b.key), strict);

// checkReceipt tells whether the election signed that the ballot of this hash is in the box.
export function checkReceipt(question, hash, receipt) {
  const bytes = fromBase64(receipt);
  if (bytes.length !== 64 || !/^[0-9a-f]{64}$/.test(hash)) return false;
  return ed25519.verify(bytes, join(bytesOf("rochdale/receipt/v1"), lp(question.hash), lp(fromHex(hash))), question.receiptKey, strict);
}

// The y coordinates, big end first, of the points whose order divides eight.
const small = [
  "0".repeat(64),
  "1".padStart(64, "0"),
  `7f${"f".repeat(60)}ec`,
  "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
  "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
];

// soundKey refuses keys that verifiers judge differently, as Go does: those of small order, and those
// that are not in their one form.
// spec: rfc8032#5.1.3
function soundKey(key) {
  const y = key.slice().reverse();
  y[0] &= 0x7f; // the sign of x
  const hex = hexOf(y);
  return hex < `7f${"f".repeat(60)}ed` && !small.includes(hex);
}

// wellFormed tells whether all parts of a ballot are there and have their lengths.
export function wellFormed(question, b) {
  const [key, prefix, paper, witness, signature] = [b.key, b.prefix, b.paper, b.witness ?? "", b.signature].map(fromBase64);
  const lengths = key.length === 32 && prefix.length === 32 && paper.length === 384 && witness.length === (question.witness ? 384 : 0) && signature.length === 64;
  return lengths && b.sequence >= 1 && soundKey(key);
}
