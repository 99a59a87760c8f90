// The counts that move papers from one candidate to the next.
//
// stv/scottish2007 is schedule 1 of the Scottish Local Government Elections Order 2007, rules 45 to 52, in
// hundred-thousandths of a vote; irv/v1 is the same without a quota, for one seat: who has more than half
// of what still counts is elected. Here every paper is followed by itself.
import { bundles, listOf } from "./ranked.js";
import { compare, decimal, sum } from "./number.js";

export function transfer(question, papers, hall, lots) {
  const scottish = question.rule.startsWith("stv/");
  const places = scottish ? 5 : 0;
  const one = 10n ** BigInt(places);
  const names = question.options.map((o) => o.name);
  const lists = papers.map((p) => listOf(p.rank, hall.withdrawn, scottish)).filter((l) => l.length > 0);
  const quota = scottish ? (BigInt(lists.length) / BigInt(hall.places + 1) + 1n) * one : 0n;

  const votes = names.map(() => 0n);
  const piles = names.map(() => []);
  for (const b of bundles(lists)) {
    piles[b.list[0]].push({ list: b.list, papers: b.papers, at: 0, value: one });
    votes[b.list[0]] += b.papers * one;
  }
  let standing = hall.running.slice();
  const elected = [];
  const surplus = [];
  const history = [];
  const stages = [];
  const passed = [];
  let lapsed = 0n;

  const tallies = () => hall.running.map((o) => ({ option: names[o], value: decimal(votes[o], places) }));
  const first = tallies();

  // Who was ahead at the latest stage at which the two differed; 0 if at none.
  const since = (a, b) => {
    for (let s = history.length - 1; s >= 0; s--) if (history[s][a] !== history[s][b]) return compare(history[s][b], history[s][a]);
    return 0;
  };
  const byVotes = (list) => {
    const order = list.toSorted(since);
    for (let from = 0; from < order.length; ) {
      let to = from + 1;
      while (to < order.length && since(order[from], order[to]) === 0) to++;
      if (to - from > 1) order.splice(from, to - from, ...lots.draw(`order of election, stage ${history.length}`, order.slice(from, to)));
      from = to;
    }
    return order;
  };
  // Of the level ones those that were ahead (or, with sign -1, behind) when they last differed.
  const outermost = (tied, sign) => {
    let best = tied;
    for (let s = history.length - 1; s >= 0 && best.length > 1; s--) {
      const all = best.map((o) => history[s][o]);
      const edge = all.reduce((a, b) => ((b > a) === (sign > 0) ? b : a));
      best = best.filter((o) => history[s][o] === edge);
    }
    return best;
  };

  function end(stage) {
    history.push(votes.slice());
    Object.assign(stage, { stage: history.length, elected: [], votes: tallies(), lapsed: decimal(lapsed, places) });
    const counting = sum(votes);
    const reached = standing.filter((o) => (scottish ? votes[o] >= quota : 2n * votes[o] > counting));
    for (const o of byVotes(reached)) {
      if (elected.length === hall.places || hall.barred(o, elected, standing)) continue;
      elected.push(o);
      standing = standing.filter((x) => x !== o);
      stage.elected.push(names[o]);
      if (scottish && votes[o] > quota) surplus.push(o);
    }
    stages.push(stage);
  }

  function move(from, revalue) {
    const pile = piles[from];
    piles[from] = [];
    for (const p of pile) {
      do p.at++;
      while (p.at < p.list.length && !standing.includes(p.list[p.at]));
      p.value = revalue(p.value);
      const worth = p.value * p.papers;
      if (p.at === p.list.length) {
        lapsed += worth;
        continue;
      }
      piles[p.list[p.at]].push(p);
      votes[p.list[p.at]] += worth;
    }
  }

  // spec: ssi2007/42#sch1.52: as many as there are seats are elected without more ado
  const last = () => hall.room(elected, standing) === elected.length + standing.length;

  // spec: ssi2007/42#sch1.50, and for those whom a limit keeps out
  function exclude(out, action) {
    standing = standing.filter((o) => !out.includes(o));
    if (action === "passed over") passed.push(...out.map((o) => ({ option: names[o], name: hall.why(o, elected) })));
    if (!last()) {
      for (const o of out) {
        votes[o] = 0n;
        move(o, (value) => value);
      }
    }
    const gone = out.map((o) => names[o]);
    end({ action, of: gone, excluded: gone });
  }

  // spec: ssi2007/42#sch1.48, #sch1.49: the largest surplus, each paper at surplus × value / votes, cut
  function moveSurplus() {
    const most = surplus.map((o) => votes[o]).reduce((a, b) => (b > a ? b : a));
    const [from] = outermost(surplus.filter((o) => votes[o] === most), +1);
    surplus.splice(surplus.indexOf(from), 1);
    const [excess, total] = [votes[from] - quota, votes[from]];
    votes[from] = quota;
    move(from, (value) => (excess * value) / total);
    end({ action: "surplus", of: [names[from]], excluded: [] });
  }

  function step() {
    const barred = standing.filter((o) => hall.barred(o, elected, standing));
    if (barred.length) return exclude(barred, "passed over");
    if (last()) {
      const rest = byVotes(standing);
      elected.push(...rest);
      stages.at(-1).elected.push(...rest.map((o) => names[o]));
      standing = [];
      return;
    }
    if (surplus.length) return moveSurplus();
    const free = standing.filter((o) => !hall.guarded(o, elected, standing));
    const least = free.map((o) => votes[o]).reduce((a, b) => (b < a ? b : a));
    const lowest = outermost(free.filter((o) => votes[o] === least), -1);
    exclude([lowest.length > 1 ? lots.draw(`exclusion, stage ${history.length + 1}`, lowest)[0] : lowest[0]], "exclusion");
  }

  function run() {
    end({ action: "first preferences", of: [], excluded: [] });
    while (elected.length < hall.places && standing.length) step();
    return { elected: elected.map((o) => names[o]), passed, stages, quota: scottish ? decimal(quota, places) : undefined };
  }
  return { ballots: lists.length, tallies: first, run };
}
