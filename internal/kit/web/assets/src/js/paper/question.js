// The question: everything that was fixed when voting opened, and what is an answer to it.
import { bytesOf, canonical, fromBase64, same, sha256 } from "./bytes.js";
import { sharedOf } from "./x25519.js";

// paperKey reads a key that signs papers, and refuses all but the one kind there is.
async function paperKey(text) {
  const spki = fromBase64(text);
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("spki", spki, { name: "RSA-PSS", hash: "SHA-384" }, true, ["verify"]);
  // With a small exponent, papers could be forged more easily.
  const { modulusLength, publicExponent } = key.algorithm;
  if (modulusLength !== 3072 || publicExponent.join() !== "1,0,1") throw new Error("the key of the papers is not one of ours");
  if (!same(new Uint8Array(await subtle.exportKey("spki", key)), spki)) throw new Error("the key of the papers is not in its one form");
  return key;
}

// isPoint tells whether a scrutineer's key is one in its one form, and hides something: what is sealed to a
// point of small order, everybody can open.
async function isPoint(key) {
  if (key.length !== 32 || key[31] > 127) return false;
  return sharedOf(new Uint8Array(32).fill(9), key).then(() => true, () => false);
}

// fieldsOf refuses what is not an object with just these fields, in this order.
const fieldsOf = (object, names) => object !== null && typeof object === "object" && Object.keys(object).join() === names;

async function readScrutineers(data) {
  const { needed, keys } = data;
  if (!fieldsOf(data, "needed,keys") || !Array.isArray(keys) || !Number.isSafeInteger(needed)) throw new Error("these are no scrutineers");
  if (needed < 2 || needed > keys.length || keys.length > 9 || new Set(keys).size !== keys.length) throw new Error("these scrutineers cannot open a ballot");
  const points = keys.map(fromBase64);
  if ((await Promise.all(points.map(isPoint))).includes(false)) throw new Error("the key of a scrutineer is none");
  return { needed, keys: points };
}

async function readWitness(data, { coop, key }) {
  const { host } = data;
  const other = fieldsOf(data, "host,key") && typeof host === "string" && host && bytesOf(host).length <= 253 && host !== coop && data.key !== key;
  if (!other) throw new Error("the witness is not another co-op with a key of its own");
  return { host, key: await paperKey(data.key) };
}

// readQuestion reads the canonical JSON of a question. It gives the question itself as data, its hash, the
// key of the papers and the receiptKey; scrutineers, {needed, keys}, to whom ballots are sealed, and the
// witness, {host, key}, who signs papers too, both null where the vote has none.
export async function readQuestion(text) {
  const data = JSON.parse(text);
  if (canonical(data) !== text || data.format !== "rochdale/ballots/v1") throw new Error("this is no question of ours");
  const receiptKey = fromBase64(data.receipt_key);
  if (receiptKey.length !== 32) throw new Error("the key of the receipts is not one of ours");
  const scrutineers = data.scrutineers === undefined ? null : await readScrutineers(data.scrutineers);
  const witness = data.witness === undefined ? null : await readWitness(data.witness, data);
  return { data, hash: await sha256(bytesOf(text)), key: await paperKey(data.key), receiptKey, scrutineers, witness };
}

const whole = (list, low, high) => Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= low && n <= high);
const rising = (list) => list.every((n, i) => i === 0 || n > list[i - 1]);

function ranked(ranks, options, rule) {
  if (!whole(ranks, 0, options) || ranks.length !== options) return false;
  const used = ranks.filter((r) => r > 0);
  const kinds = new Set(used);
  // No rank is left out, and only one rule knows equal ranks.
  return Math.max(0, ...used) === kinds.size && (kinds.size === used.length || rule.startsWith("schulze/"));
}

function pointed(points, options, { low = 0, high = 0, dots = 0 }) {
  if (!whole(points, -1e6, 1e6) || points.length !== options) return false;
  if (dots > 0) return points.every((v) => v >= 0) && points.reduce((a, b) => a + b, 0) <= dots;
  return points.every((v) => v === 0 || (v >= low && v <= high)); // 0 is what an empty field says
}

// answers tells whether a choice, an object with one field, is an answer to the question. One that is sealed
// is none: what is in it is.
export function answers({ data }, choice) {
  const fields = Object.keys(choice);
  if (fields.length !== 1) return false;
  const { method, rule, settings } = data;
  const options = data.options.length;
  if (method === "ranking" && fields[0] === "rank") return ranked(choice.rank, options, rule);
  if (method === "marks" && fields[0] === "marks") {
    const { marks } = choice;
    return whole(marks, 0, options - 1) && rising(marks) && marks.length <= (settings.max ?? options);
  }
  if (method === "points" && fields[0] === "points") return pointed(choice.points, options, settings);
  if (method === "vote" && fields[0] === "vote") return ["agree", "abstain", "disagree", ...(settings.block ? ["block"] : [])].includes(choice.vote);
  return false;
}

// readChoice reads the text of a choice; it gives null for what is not its one form.
export function readChoice(text) {
  try {
    const choice = JSON.parse(text);
    return choice !== null && typeof choice === "object" && canonical(choice) === text ? choice : null;
  } catch {
    return null;
  }
}
