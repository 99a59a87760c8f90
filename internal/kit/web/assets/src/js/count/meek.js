// stv/meek, the reference rule of the Proportional Representation Foundation, in nine decimals: whoever is
// elected keeps the part of each paper that the quota needs and hands on the rest. Letters are its steps.
import { bundles, listOf } from "./ranked.js";
import { compare, decimal, levels, sum } from "./number.js";

const one = 10n ** 9n;
const omega = 1000n;
const up = (a, b, c) => (a * b + c - 1n) / c; // a × b / c, rounded up

export function meek(question, papers, hall, lots) {
  const names = question.options.map((o) => o.name);
  const lists = papers.map((p) => listOf(p.rank, hall.withdrawn, false)).filter((l) => l.length > 0);
  const all = bundles(lists);
  const keep = names.map((_, o) => (hall.withdrawn.has(o) ? 0n : one)); // A
  const votes = names.map(() => 0n);
  let standing = hall.running.slice();
  const elected = [];
  const stages = [];
  const passed = [];
  let quota = 0n;

  function distribute() {
    votes.fill(0n);
    for (const { list, papers: many } of all) {
      let left = one;
      for (const o of list) {
        const part = up(left, keep[o], one);
        votes[o] += part * many;
        left -= part;
        if (left <= 0n) break;
      }
    }
  }
  const tallies = () => hall.running.map((o) => ({ option: names[o], value: decimal(votes[o], 9) }));
  const lapsed = () => decimal(BigInt(lists.length) * one - sum(votes), 9);
  const end = (action, of, chosen, excluded) =>
    stages.push({ action, of, stage: stages.length + 1, elected: chosen, excluded, votes: tallies(), lapsed: lapsed(), ...((quota > 0n || action === "last seats") && { quota: decimal(quota, 9) }) });
  const byVotes = (list) => {
    const order = (a, b) => compare(votes[b], votes[a]);
    return levels(list.toSorted(order), order).flatMap((run) => (run.length > 1 ? lots.draw(`order of election, stage ${stages.length + 1}`, run) : run));
  };
  function exclude(out, action) {
    const gone = out.map((o) => names[o]);
    if (action === "passed over") passed.push(...out.map((o) => ({ option: names[o], name: hall.why(o, elected) })));
    end(action, gone, [], gone);
    standing = standing.filter((o) => !out.includes(o));
    for (const o of out) keep[o] = 0n;
  }
  function lowest(within) {
    const free = standing.filter((o) => !hall.guarded(o, elected, standing));
    const least = free.map((o) => votes[o]).reduce((a, b) => (b < a ? b : a));
    const tied = free.filter((o) => votes[o] <= least + within);
    return tied.length > 1 ? lots.draw(`exclusion, stage ${stages.length + 1}`, tied)[0] : tied[0];
  }

  function round() {
    const barred = standing.filter((o) => hall.barred(o, elected, standing));
    if (barred.length) return exclude(barred, "passed over");
    for (let before = null; ; ) {
      distribute(); // B.2.a
      quota = sum(votes) / BigInt(hall.places + 1) + 1n; // B.2.b
      const reached = standing.filter((o) => votes[o] >= quota);
      if (reached.length) { // B.2.c
        const order = byVotes(reached);
        const chosen = [];
        end("election", [], chosen, []);
        for (const o of order) {
          if (elected.length === hall.places || hall.barred(o, elected, standing)) continue;
          elected.push(o);
          chosen.push(names[o]);
          standing = standing.filter((x) => x !== o);
        }
        return;
      }
      const over = sum(elected.map((o) => votes[o] - quota)); // B.2.d
      const surplus = over > 0n ? over : 0n;
      if (surplus < omega || (before !== null && surplus >= before)) return exclude([lowest(surplus)], "exclusion"); // B.2.e, B.3
      before = surplus;
      for (const o of elected) keep[o] = up(up(keep[o], quota, one), one, votes[o]); // B.2.f
    }
  }

  distribute();
  const first = tallies();
  function run() {
    while (elected.length < hall.places && hall.room(elected, standing) < elected.length + standing.length) round(); // B.1
    if (elected.length < hall.places && standing.length) { // C
      const rest = byVotes(standing);
      end("last seats", [], rest.map((o) => names[o]), []);
      elected.push(...rest);
    }
    return { elected: elected.map((o) => names[o]), passed, stages };
  }
  return { ballots: lists.length, tallies: first, run };
}
