// The code is 16 secret bytes, written for people in seven groups of four letters and digits of
// Crockford's base 32; the last twelve bits check the others.
import { bytesOf, hkdf, sha256 } from "./bytes.js";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const letters = 28;
const streamLength = 8160; // the most that HKDF gives

// newCode draws a code.
export const newCode = () => globalThis.crypto.getRandomValues(new Uint8Array(16));

async function number(code) {
  const sum = await sha256(code);
  let n = 0n;
  for (const b of code) n = (n << 8n) | BigInt(b);
  return (n << 12n) | BigInt((sum[0] << 4) | (sum[1] >> 4));
}

// writeCode writes a code for people.
export async function writeCode(code) {
  const n = await number(code);
  let text = "";
  for (let i = 0; i < letters; i++) {
    if (i > 0 && i % 4 === 0) text += "-";
    text += alphabet[Number((n >> BigInt(5 * (letters - 1 - i))) & 31n)];
  }
  return text;
}

// readCode reads what a person typed: any case, spaces and hyphens anywhere, O for 0 and I or L for 1.
// It throws an error whose message is "letter", "length" or "slip".
export async function readCode(text) {
  const typed = text.toUpperCase().replace(/[\s\u2010\u2011\u2013-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  let n = 0n;
  for (const c of typed) {
    const at = alphabet.indexOf(c);
    if (at < 0) throw new Error("letter");
    n = (n << 5n) | BigInt(at);
  }
  if (typed.length !== letters) throw new Error("length");
  const code = new Uint8Array(16);
  let rest = n >> 12n;
  for (let i = 15; i >= 0; i--) {
    code[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  if ((await number(code)) !== n) throw new Error("slip");
  return code;
}

// secrets are what a code gives for one question: the seed of the ballot key, and what blinding draws.
export async function secrets(code, questionHash) {
  const stream = await hkdf(code, questionHash, bytesOf("rochdale/paper/v1"), streamLength);
  return { seed: stream.slice(0, 32), rest: stream.slice(32) };
}

// witnessSecrets are what blinding for the witness draws after the prefix, which is the paper's own. They
// are others: blinded twice by the same number, the message could be known again by the two who sign.
export const witnessSecrets = (code, questionHash) => hkdf(code, questionHash, bytesOf("rochdale/witness/v1"), streamLength);
