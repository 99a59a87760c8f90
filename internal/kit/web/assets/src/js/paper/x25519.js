// X25519: by the browser itself where it knows it, which is ten times as fast, else by the library. The two
// may differ in which odd points they take; a sealed choice whose point is odd opens by neither, because it
// is made again and compared.
import { x25519 as library } from "../../../third_party/noble-curves/ed25519.js";
import { fromHex, join } from "./bytes.js";

const header = fromHex("302e020100300506032b656e04220420"); // of a private key in PKCS #8
const base = Uint8Array.of(9, ...new Uint8Array(31));

const secretKey = (scalar) => globalThis.crypto.subtle.importKey("pkcs8", join(header, scalar), "X25519", false, ["deriveBits"]);

let known = null; // whether the browser does, asked once
const native = () => (known ??= secretKey(base).then(() => true, () => false));

async function multiply(scalar, point) {
  const { subtle } = globalThis.crypto;
  const [secret, other] = await Promise.all([secretKey(scalar), subtle.importKey("raw", point, "X25519", false, [])]);
  const out = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: other }, secret, 256));
  if (out.every((x) => x === 0)) throw new Error("this point hides nothing");
  return out;
}

// publicOf is the public key of a private one.
// spec: rfc7748#6.1
export const publicOf = async (scalar) => ((await native()) ? multiply(scalar, base) : library.getPublicKey(scalar));

// sharedOf is what a private key and the public key of another share. It throws if the public one is of small
// order: everybody would share that.
export const sharedOf = async (scalar, point) => ((await native()) ? multiply(scalar, point) : library.getSharedSecret(scalar, point));
