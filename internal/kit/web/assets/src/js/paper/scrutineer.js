// A scrutineer's key for a vote, made from a code of the same form as a voter's: all that they have to keep
// until the close.
import { bytesOf, hkdf, sha256, toBase64 } from "./bytes.js";
import { publicOf } from "./x25519.js";

// scrutineerKey gives {publicKey, privateKey} as base64url, for a vote such as "election:123". The public one
// is registered before the opening, the private one revealed after the close.
export async function scrutineerKey(code, vote) {
  const secret = await hkdf(code, await sha256(bytesOf(vote)), bytesOf("rochdale/scrutineer/v1"), 32);
  return { publicKey: toBase64(await publicOf(secret)), privateKey: toBase64(secret) };
}
