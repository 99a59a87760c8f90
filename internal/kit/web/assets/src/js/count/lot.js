// Lots, drawn from published data so that anybody can repeat them: Seed and Lot of the Go package tally.
import { sha256 } from "../../../third_party/noble-hashes/sha2.js";
import { bytesOf, fromHex, join, lp, u64 } from "../paper/bytes.js";

// seedOf mixes the rule, the vote and the hashes of all ballots; of ballots that were sealed, what was found
// in them as well, as bytes in opened. Nobody knows it before the close, or before they are opened.
export function seedOf({ rule, vote }, hashes, opened) {
  const list = hashes.toSorted().map((h) => lp(fromHex(h)));
  return sha256(join(lp(bytesOf("rochdale/seed/v1")), lp(bytesOf(rule)), lp(bytesOf(vote)), u64(list.length), ...list, ...(opened ? [u64(1), lp(opened)] : [u64(0)])));
}

// lot shuffles the numbers below n: from the front, place i changes with one of those from i on.
export function lot(seed, purpose, n) {
  const head = join(bytesOf("rochdale/lot/v1"), lp(seed), lp(bytesOf(purpose)));
  let draws = 0;
  const below = (m) => {
    const fair = 2n ** 64n - (2n ** 64n % m); // values from here on would favour small remainders
    for (;;) {
      const x = new DataView(sha256(join(head, u64(draws++))).buffer).getBigUint64(0);
      if (x < fair) return Number(x % m);
    }
  };
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const j = i + below(BigInt(n - i));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// lots draws for one count and remembers each draw by names.
export function lots(seed, names) {
  const drawn = [];
  const draw = (purpose, tied) => {
    const among = tied.toSorted((a, b) => a - b);
    const order = lot(seed, purpose, among.length).map((at) => among[at]);
    drawn.push({ for: purpose, among: among.map((o) => names[o]), drawn: order.map((o) => names[o]) });
    return order;
  };
  return { drawn, draw };
}
