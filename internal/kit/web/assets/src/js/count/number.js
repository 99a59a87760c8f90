// Votes are whole numbers of their smallest part, as BigInt: no fraction is ever rounded by accident.

// decimal writes a number of units of which 10^places are one.
export function decimal(v, places) {
  const digits = (v < 0n ? -v : v).toString().padStart(places + 1, "0");
  const cut = digits.length - places;
  return (v < 0n ? "-" : "") + digits.slice(0, cut) + (places ? "." + digits.slice(cut) : "");
}

export const sum = (list) => list.reduce((a, b) => a + b, 0n);
export const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// share reads "2/3", "1" or nothing as [numerator, denominator].
export function share(text) {
  const [num, den] = (text ?? "0").split("/");
  return [BigInt(num), BigInt(den ?? 1)];
}

// reaches tells whether have of all is at least a share, or more than it where that is asked.
export function reaches(have, all, text, more = false) {
  const [num, den] = share(text);
  const [left, right] = [BigInt(have) * den, BigInt(all) * num];
  return left > right || (left === right && !more);
}

// levels cuts a sorted list into runs of those that the order finds equal.
export function levels(list, order) {
  const runs = [];
  for (const x of list) {
    const last = runs.at(-1);
    if (last && order(last[0], x) === 0) last.push(x);
    else runs.push([x]);
  }
  return runs;
}
