// A second counter. It was written from the rules and not from the Go package tally, so that a mistake
// would have to be made twice to go unseen; what both say of the same ballots is compared in tests, and
// again on the page of every secret vote. Votes and money are BigInt.
import { budget } from "./budget.js";
import { lots as drawing, seedOf } from "./lot.js";
import { meek } from "./meek.js";
import { reaches } from "./number.js";
import { schulze } from "./schulze.js";
import { seats, terms } from "./seats.js";
import { sums } from "./sums.js";
import { transfer } from "./transfer.js";

const rules = {
  "irv/v1": transfer,
  "stv/scottish2007": transfer,
  "stv/meek": meek,
  "schulze/wv+last": schulze,
  "schulze/wv+abstain": schulze,
  "approval/v1": sums,
  "score/v1": sums,
  "dots/v1": sums,
  "pb/equal-shares": budget,
  "pb/greedy+skip": budget,
  "pb/greedy+stop": budget,
};

// counts tells whether this counter knows the rule of a question.
export const counts = ({ data }) => data.rule === "majority/v1" || Object.hasOwn(rules, data.rule);

function majority({ roll, settings }, choices) {
  const of = (vote) => choices.filter((c) => c.vote === vote).length;
  const [agree, abstain, disagree, block] = ["agree", "abstain", "disagree", "block"].map(of);
  const decided = agree + disagree + block;
  const tallies = Object.entries({ agree, abstain, disagree, block }).map(([option, n]) => ({ option, value: String(n) }));
  let outcome = "carried";
  const overridden = settings.override && reaches(agree, decided, settings.override);
  if (settings.quorum && !reaches(choices.length, roll, settings.quorum)) outcome = "no quorum";
  else if (!agree || !reaches(agree, decided, settings.threshold, settings.strict)) outcome = "lost";
  else if (settings.block && block && !overridden) outcome = "blocked";
  return { voted: choices.length, ballots: decided, tallies, outcome };
}

// count counts the choices of all ballots, whose hashes make the lots, by the rule of a question as
// readQuestion gives it. Where the ballots were sealed, the choices are those of the ballots that opened,
// and opened is what verifyFile gives for the lots. It gives what a published result has: {outcome, voted, ballots, elected, order,
// funded, spent, quota, passed, terms, tallies, stages, lots}, each where the rule has it. It throws for a
// rule that it does not know.
export function count({ data }, choices, hashes, opened) {
  if (data.rule === "majority/v1") return majority(data, choices);
  if (!Object.hasOwn(rules, data.rule)) throw new Error(`there is no rule ${data.rule} here`);
  const { settings, options, rule } = data;
  // What is paid for is called by its id, who is elected by name.
  const names = options.map((o) => (rule.startsWith("pb/") ? o.id : o.name));
  const hall = seats(data);
  const lots = drawing(seedOf(data, hashes, opened), names);
  if (settings.no_ballot && hall.running.length <= hall.places && hall.room([], hall.running) === hall.running.length) {
    const drawn = settings.terms?.length > 1 && hall.running.length > 1;
    const order = drawn ? lots.draw("terms", hall.running) : hall.running;
    const elected = order.map((o) => names[o]);
    return { outcome: elected.length ? "carried" : "lost", voted: 0, ballots: 0, elected, terms: terms(settings.terms, elected), lots: lots.drawn };
  }
  const begun = rules[rule](data, choices, hall, lots);
  const out = { voted: choices.length, ballots: begun.ballots, tallies: begun.tallies };
  if (settings.quorum && !reaches(choices.length, data.roll, settings.quorum)) return { ...out, outcome: "no quorum" };
  if (!begun.ballots && !rule.startsWith("pb/greedy")) return { ...out, outcome: "lost" };
  const done = begun.run();
  const won = (done.elected ?? done.funded).length > 0;
  return { ...out, ...done, outcome: won ? "carried" : "lost", terms: terms(settings.terms, done.elected ?? []), lots: lots.drawn };
}
