// Ranked papers as lists of options, best first.

// listOf reads the ranks of a paper as far as nobody can doubt what the voter wants next: up to the
// first number that two share and, where strict, the first that is left out. Who withdrew is passed over.
export function listOf(ranks, withdrawn, strict) {
  const list = [];
  const top = Math.max(0, ...ranks);
  for (let rank = 1; rank <= top; rank++) {
    const here = ranks.map((r, o) => (r === rank ? o : -1)).filter((o) => o >= 0);
    if (!here.length && strict) break;
    const running = here.filter((o) => !withdrawn.has(o));
    if (running.length > 1) break;
    list.push(...running);
  }
  return list;
}

// bundles puts equal lists together.
export function bundles(lists) {
  const found = new Map();
  for (const list of lists) {
    const key = list.join();
    const b = found.get(key) ?? { list, papers: 0n };
    b.papers++;
    found.set(key, b);
  }
  return [...found.values()];
}
