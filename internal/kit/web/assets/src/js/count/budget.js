// The rules that spend a budget. pb/greedy takes the projects by falling support as long as there is money;
// pb/equal-shares gives each voter an equal share and funds what its supporters can pay for together, the
// project first for which they need to give the smallest part of its cost.
import { compare, decimal, levels } from "./number.js";

// Beyond this many raises of the shares a page would stand still for too long.
const maxRaises = 20000;

export function budget(question, papers, _hall, lots) {
  const { options, rule, settings } = question;
  const money = settings.budget;
  const costs = money.costs.map(BigInt);
  const [total, least] = [BigInt(money.total), BigInt(money.least)];
  const valueOf = (p, o) => (p.marks ? BigInt(p.marks.includes(o)) : BigInt(p.points[o]));
  const all = options.map((_, o) => o);
  const support = all.map((o) => papers.reduce((n, p) => n + valueOf(p, o), 0n));
  const ballots = papers.filter((p) => all.some((o) => valueOf(p, o) > 0n)).length;
  const tallies = all.map((o) => ({ option: options[o].id, value: String(support[o]) }));

  function greedy() {
    const level = (a, b) => compare(support[b], support[a]) || compare(costs[a], costs[b]);
    const wanted = all.filter((o) => support[o] > 0n && support[o] >= least).toSorted(level);
    let left = total;
    const funded = [];
    for (const run of levels(wanted, level)) {
      // A lot is needed only where the money is enough for some of the level ones and not for all.
      const reach = left / costs[run[0]];
      const at = wanted.indexOf(run[0]);
      const order = reach > 0n && reach < BigInt(run.length) ? lots.draw(`place ${at + 1}`, run) : run;
      for (const o of order) {
        if (costs[o] <= left) {
          left -= costs[o];
          funded.push(o);
        } else if (rule.endsWith("+stop")) return funded;
      }
    }
    return funded;
  }

  // Voters with the same marks always have the same left, so they are reckoned as one.
  const alike = new Map();
  for (const p of rule === "pb/equal-shares" ? papers : []) {
    const group = alike.get(p.marks.join()) ?? { marks: p.marks, many: 0n };
    group.many++;
    alike.set(p.marks.join(), group);
  }
  const groups = [...alike.values()];

  // share counts once with shares raised by so much. Purses are whole numbers over one denominator.
  function share(raise) {
    const voters = BigInt(papers.length);
    let den = voters;
    let purse = groups.map(() => total + raise * voters);
    const funded = [];
    let cost = 0n;
    let open = all.filter((o) => support[o] > 0n && support[o] >= least);
    const backers = all.map((o) => groups.map((g, i) => (g.marks.includes(o) ? i : -1)).filter((i) => i >= 0));
    // price is {num, rich}: those who can pay alike give num / (den × rich) each.
    const price = (o) => {
      let rest = costs[o] * den;
      let rich = support[o];
      for (const g of backers[o].toSorted((a, b) => compare(purse[a], purse[b]))) {
        if (purse[g] * rich >= rest) return { o, num: rest, rich };
        rest -= purse[g] * groups[g].many;
        rich -= groups[g].many;
      }
      return null;
    };
    const dearer = (a, b) => compare(a.num * b.rich * costs[b.o], b.num * a.rich * costs[a.o]) || compare(costs[a.o], costs[b.o]);
    for (;;) {
      const prices = open.map(price).filter(Boolean);
      open = prices.map((p) => p.o);
      if (!prices.length) return { funded, cost };
      const best = prices.toSorted(dearer);
      const level = best.filter((p) => dearer(p, best[0]) === 0);
      const chosen = level.length > 1 ? lots.draw(`round ${funded.length + 1}`, level.map((p) => p.o))[0] : best[0].o;
      const { num, rich } = level.find((p) => p.o === chosen);
      purse = purse.map((m) => m * rich);
      den *= rich;
      for (const g of backers[chosen]) purse[g] = purse[g] > num ? purse[g] - num : 0n;
      const common = purse.reduce(divisor, den);
      purse = purse.map((m) => m / common);
      den /= common;
      open = open.filter((o) => o !== chosen);
      funded.push(chosen);
      cost += costs[chosen];
    }
  }

  function equalShares() {
    const unit = 10n ** BigInt(money.decimals);
    const possible = all.filter((o) => support[o] > 0n && support[o] >= least).length;
    let held = [];
    let drawn = [];
    for (let raised = 0n; ; raised++) {
      if (raised > maxRaises) throw new Error("too many raises");
      lots.drawn.length = 0; // only the lots of the run that holds were drawn
      const now = share(raised * unit);
      if (now.cost > total) break;
      [held, drawn] = [now.funded, lots.drawn.slice()];
      if (held.length === possible) break;
    }
    lots.drawn.splice(0, lots.drawn.length, ...drawn);
    return held;
  }

  function run() {
    const funded = rule === "pb/equal-shares" ? equalShares() : greedy();
    const spent = funded.reduce((n, o) => n + costs[o], 0n);
    return { funded: funded.map((o) => options[o].id), spent: decimal(spent, money.decimals) };
  }
  return { ballots, tallies, run };
}

const divisor = (a, b) => {
  while (b) [a, b] = [b, a % b];
  return a;
};
