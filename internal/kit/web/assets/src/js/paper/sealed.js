// Sealed choices: until enough scrutineers have given up their keys, after the close, nobody can read what a
// ballot says. A sealed choice is a point, a box for each scrutineer with a share of one secret, and the
// choice, encrypted. All of it follows from the secret: who has found it makes the whole again and compares,
// so that a ballot says the same whichever scrutineers open it, or nothing.
import { bytesOf, canonical, fromBase64, hkdf, join, lp, same, toBase64, u64 } from "./bytes.js";
import { answers, readChoice } from "./question.js";
import { combine, share } from "./share.js";
import { publicOf, sharedOf } from "./x25519.js";

const size = 32; // of secrets, points and shares
const tag = 16;

// How long a choice is made before it is sealed: the length of what is sealed must not say what it is.
const plainLength = ({ data }) => 24 + ({ ranking: 4, marks: 4, points: 9 }[data.method] ?? 0) * data.options.length;

const xor = (a, b) => a.map((x, i) => x ^ b[i]);

// A ballot's key and sequence are in all that its secret makes: nothing of it fits another ballot.
const named = (key, sequence) => join(key, u64(sequence));

// means is what a ballot's secret gives: the key of the cipher, the private half of the point, and the
// coefficients of the polynomial by which the secret is shared.
async function means({ hash, scrutineers }, secret, name) {
  const stream = await hkdf(secret, hash, join(bytesOf("rochdale/seal/v1"), name), size * (scrutineers.needed + 1));
  return { cipherKey: stream.slice(0, size), scalar: stream.slice(size, 2 * size), coefficients: stream.slice(2 * size) };
}

// pad is what hides the share of the scrutineer at a place. The voter and the scrutineer can make it: what
// they share follows from the private half of either and the public half of the other.
const pad = ({ hash, scrutineers }, shared, place, point) =>
  hkdf(shared, hash, join(bytesOf("rochdale/share/v1"), Uint8Array.of(place), point, scrutineers.keys[place - 1]), size);

// boxes are the shares of all scrutineers, hidden. What is shared with a scrutineer may be known already.
async function boxes(question, secret, { scalar, coefficients }, point, known = new Map()) {
  const all = question.scrutineers.keys.map(async (key, i) => {
    const shared = known.get(i + 1) ?? (await sharedOf(scalar, key));
    return xor(share(secret, coefficients, i + 1), await pad(question, shared, i + 1, point));
  });
  return join(...(await Promise.all(all)));
}

// The cipher is AES-256-GCM. Its nonce is zero: each key is used once.
async function cipher(use, { hash }, { cipherKey }, name, bytes) {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("raw", cipherKey, "AES-GCM", false, [use]);
  return new Uint8Array(await subtle[use]({ name: "AES-GCM", iv: new Uint8Array(12), additionalData: join(hash, name) }, key, bytes));
}

// sealChoice gives the text that stands on a ballot for the text of a choice. The secret follows from the
// seed of the ballot key, so that a ballot which is sent twice is the same, and from all that is sealed, so
// that no two choices have the same.
export async function sealChoice(question, seed, key, sequence, choice) {
  const plain = new Uint8Array(plainLength(question));
  plain.set(bytesOf(choice)); // which throws if it is longer
  const secret = await hkdf(seed, question.hash, join(bytesOf("rochdale/secret/v1"), u64(sequence), lp(bytesOf(choice))), size);
  const name = named(key, sequence);
  const made = await means(question, secret, name);
  const point = await publicOf(made.scalar);
  const sealed = join(point, await boxes(question, secret, made, point), await cipher("encrypt", question, made, name, plain));
  return canonical({ sealed: toBase64(sealed) });
}

// readSealed gives the bytes of a sealed choice, null for a text that is none to these scrutineers.
export function readSealed(question, text) {
  const choice = readChoice(text);
  if (!choice || Object.keys(choice).join() !== "sealed") return null;
  try {
    const bytes = fromBase64(choice.sealed);
    return bytes.length === size * (1 + question.scrutineers.keys.length) + plainLength(question) + tag ? bytes : null;
  } catch {
    return null;
  }
}

// isReveal tells whether {place, key} is the private key of the scrutineer at that place.
export async function isReveal({ scrutineers }, { place, key }) {
  const secret = fromBase64(key);
  const at = scrutineers?.keys[place - 1];
  return at !== undefined && secret.length === size && same(await publicOf(secret), at);
}

// opener gives what opens the ballots of a question with the scrutineers' reveals, or null while there are
// too few that are good: a function of a ballot, which gives {choice, secret}, or null if it is spoilt.
export async function opener(question, reveals) {
  const { needed, keys } = question.scrutineers;
  const secrets = new Map(); // by place: one that stands twice counts once
  for (const r of reveals) {
    if (secrets.size < needed && (await isReveal(question, r))) secrets.set(r.place, fromBase64(r.key));
  }
  return secrets.size < needed ? null : (ballot) => open(question, secrets, size * (1 + keys.length), ballot);
}

async function open(question, secrets, head, ballot) {
  const sealed = readSealed(question, ballot.choice);
  if (!sealed) return null;
  const point = sealed.slice(0, size);
  const shared = new Map();
  try {
    for (const [place, secret] of secrets) shared.set(place, await sharedOf(secret, point));
  } catch {
    return null; // a point of small order, which no voter's program makes
  }
  const places = [...secrets.keys()];
  const shares = await Promise.all(places.map(async (p) => xor(sealed.slice(size * p, size * (p + 1)), await pad(question, shared.get(p), p, point))));
  const secret = combine(places, shares);
  const name = named(fromBase64(ballot.key), ballot.sequence);
  const made = await means(question, secret, name);
  const plain = await cipher("decrypt", question, made, name, sealed.slice(head)).catch(() => null);
  if (!plain || !same(await publicOf(made.scalar), point)) return null;
  // Both halves of the point are right, so what is shared is the same from either side and need not be made
  // again; nor need the cipher, of which one key and one text have just one form.
  if (!same(await boxes(question, secret, made, point, shared), sealed.slice(size, head))) return null;
  const choice = readPlain(plain);
  return choice && answers(question, choice) ? { choice, secret } : null;
}

// readPlain reads a choice that is followed by zeros only.
function readPlain(plain) {
  try {
    const text = plain.slice(0, plain.findLastIndex((x) => x !== 0) + 1);
    return readChoice(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text));
  } catch {
    return null;
  }
}
