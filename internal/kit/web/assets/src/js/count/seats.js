// Seats, and what keeps somebody from one: limits ("at most two of these"), withdrawals, terms. Limits
// are kept in one way by all rules: nothing is done by which fewer seats can be filled.

export function seats({ seats: places, options, settings }) {
  const limits = settings.limits ?? [];
  const withdrawn = new Set(settings.withdrawn ?? []);
  const running = options.map((_, o) => o).filter((o) => !withdrawn.has(o));
  const under = (o) => limits.map((l, i) => (l.options.includes(o) ? i : -1)).filter((i) => i >= 0);

  // room is how many seats the elected and the candidates can fill at most; -1 where the elected break a limit.
  function room(elected, candidates) {
    const free = Math.max(0, places - elected.length);
    if (!limits.length) return elected.length + Math.min(free, candidates.length);
    const left = limits.map((l) => l.max);
    for (const o of elected) for (const i of under(o)) if (--left[i] < 0) return -1;
    const kinds = new Map(); // candidates under the same limits are as good as each other
    for (const o of candidates) {
      const key = under(o).join();
      const kind = kinds.get(key) ?? { limits: under(o), many: 0 };
      kind.many++;
      kinds.set(key, kind);
    }
    return elected.length + most([...kinds.values()], left, free);
  }

  const without = (list, o) => list.filter((x) => x !== o);
  const barred = (o, elected, candidates) => limits.length > 0 && room([...elected, o], without(candidates, o)) < room(elected, candidates);
  const guarded = (o, elected, candidates) => limits.length > 0 && room(elected, without(candidates, o)) < room(elected, candidates);

  // why names the limit for which somebody is passed over.
  function why(o, elected) {
    const full = limits.find((l) => l.options.includes(o) && elected.filter((x) => l.options.includes(x)).length >= l.max);
    return full?.name ?? "the limits together";
  }

  // fill elects from an order, best first.
  function fill(order) {
    const elected = [];
    const passed = [];
    for (const [i, o] of order.entries()) {
      if (elected.length === places) break;
      if (barred(o, elected, order.slice(i))) passed.push({ option: options[o].name, name: why(o, elected) });
      else elected.push(o);
    }
    return { elected, passed };
  }

  return { places, running, withdrawn, limited: limits.length > 0, room, barred, guarded, why, fill };
}

// most tries for one kind after the other how many of it are elected.
function most(kinds, left, free) {
  if (!kinds.length || !free) return 0;
  const [kind, ...others] = kinds;
  const top = Math.min(kind.many, free, ...kind.limits.map((i) => left[i]));
  const bound = Math.min(free, kinds.reduce((n, k) => n + Math.min(k.many, free, ...k.limits.map((i) => left[i])), 0));
  let best = 0;
  for (let n = top; n >= 0 && best < bound; n--) {
    const rest = left.map((v, i) => (kind.limits.includes(i) ? v - n : v));
    best = Math.max(best, n + most(others, rest, free - n));
  }
  return best;
}

// terms hands out terms of office in the order of election.
export function terms(list, elected) {
  const all = (list ?? []).flatMap((t) => new Array(t.seats).fill(t.name));
  return elected.map((option, i) => ({ option, name: all[i] })).filter((t) => t.name !== undefined);
}
