// Bytes and their texts, as the format rochdale/ballots/v1 has them.
const utf8 = new TextEncoder();

export const bytesOf = (text) => utf8.encode(text);
export const hexOf = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
export const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (x) => parseInt(x, 16));

export const toBase64 = (bytes) =>
  btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

// fromBase64 reads base64url without padding and refuses every other form of the same bytes.
export function fromBase64(text) {
  if (typeof text !== "string" || !/^[\w-]*$/.test(text)) throw new Error("this is not base64url");
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  if (toBase64(bytes) !== text) throw new Error("this base64url has stray bits");
  return bytes;
}

export function join(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

// u64 is a number as eight bytes, big end first.
export function u64(n) {
  const b = new Uint8Array(8);
  new DataView(b.buffer).setBigUint64(0, BigInt(n));
  return b;
}

export const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

// lp is bytes with their length before them.
export const lp = (bytes) => join(u64(bytes.length), bytes);

// The browser's own crypto by its full name: the bare one is another here, see chance.js.
export const sha256 = async (bytes) => new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes));

// hkdf makes that many bytes of a secret, by HKDF with SHA-256.
// spec: rfc5869
export async function hkdf(secret, salt, info, length) {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, length * 8));
}

// canonical is the one JSON form of a value, which is Go's: two line separators are escaped.
export const canonical = (value) => JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
