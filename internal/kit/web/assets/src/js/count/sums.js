// The rules by which the highest sum wins: approval/v1, score/v1 and dots/v1. Level options go by lot.
import { compare, levels } from "./number.js";

export function sums(question, papers, hall, lots) {
  const { rule, options } = question;
  const names = options.map((o) => o.name);
  const approval = rule === "approval/v1";
  const valueOf = (p, o) => (approval ? BigInt(p.marks.includes(o)) : BigInt(p.points[o]));
  const totals = names.map((_, o) => papers.reduce((n, p) => n + valueOf(p, o), 0n));
  const ballots = papers.filter((p) => names.some((_, o) => valueOf(p, o) !== 0n)).length;

  function run() {
    const byTotal = (a, b) => compare(totals[b], totals[a]);
    const order = [];
    for (const run of levels(names.map((_, o) => o).toSorted(byTotal), byTotal)) {
      order.push(...(run.length > 1 ? lots.draw(`place ${order.length + 1}`, run) : run));
    }
    const places = approval ? hall.places : 1;
    const chosen = order.filter((o) => totals[o] > 0n || rule === "score/v1").slice(0, places);
    const out = { elected: chosen.map((o) => names[o]), order: order.map((o) => names[o]) };
    if (!approval || !chosen.length || !(hall.limited || hall.withdrawn.size)) return out;
    const { elected, passed } = hall.fill(order.filter((o) => totals[o] > 0n && !hall.withdrawn.has(o)));
    return { ...out, elected: elected.map((o) => names[o]), passed };
  }
  return { ballots, tallies: names.map((option, o) => ({ option, value: String(totals[o]) })), run };
}
