// schulze/wv: options are compared two by two, a pair is as strong as the votes that won it, a path as its
// weakest pair, and an option is above another if its strongest path there is stronger than the way back.
// What a ballot does not rank is last, or where the rule says "abstain" takes part in no pair.

export function schulze(question, papers, hall, lots) {
  const names = question.options.map((o) => o.name);
  const abstain = question.rule.endsWith("+abstain");
  const { running } = hall;
  const d = names.map(() => names.map(() => 0));
  for (const { rank } of papers) {
    for (const [x, rx] of rank.entries()) {
      if (!rx) continue;
      for (const [y, ry] of rank.entries()) if (ry > rx || (!ry && !abstain)) d[x][y]++;
    }
  }
  const ballots = papers.filter(({ rank }) => running.some((o) => rank[o] > 0)).length;
  const tallies = running.map((x) => ({ option: names[x], value: String(running.filter((y) => d[x][y] > d[y][x]).length) }));

  function run() {
    const p = names.map((_, x) => names.map((_, y) => (running.includes(x) && running.includes(y) && d[x][y] > d[y][x] ? d[x][y] : 0)));
    for (const k of running) for (const x of running) for (const y of running) if (x !== y) p[x][y] = Math.max(p[x][y], Math.min(p[x][k], p[k][y]));
    const order = [];
    const stages = [];
    for (let left = running; left.length; ) {
      const top = left.filter((x) => !left.some((y) => p[y][x] > p[x][y]));
      stages.push({ action: "place", of: top.map((o) => names[o]), stage: stages.length + 1, elected: [], excluded: [] });
      left = left.filter((x) => !top.includes(x));
      order.push(...(top.length > 1 ? lots.draw(`place ${order.length + 1}`, top) : top));
    }
    const { elected, passed } = hall.fill(order);
    return { elected: elected.map((o) => names[o]), order: order.map((o) => names[o]), passed, stages };
  }
  return { ballots, tallies, run };
}
