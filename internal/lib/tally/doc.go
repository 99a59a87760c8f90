// Package tally counts votes.
//
// Every rule is a value with a Count method, or a name given to Count, and
// every rule is a pure function: the same rule, roll, ballots and lot seed
// give the same bytes on any machine. There is no input or output, no clock,
// no random source and no floating point number in here; shares are exact
// fractions and votes are integers, whole or in fixed decimals.
//
// A rule has a name with a version ("majority/v1", "stv/scottish2007") which
// stands in its Result. A change that could alter any outcome needs a new
// name, so that an old election can be counted again as it was counted then.
//
// Rules that decide on one text: Majority, Consent. Rules that choose among
// options: Approval, Score, Dots, Schulze. Answers only counts. The rules that
// fill seats or spend a budget take an Election, which the readers (BLT, CSV
// of ranks, PrefLib, pabulib) also return: see Count for their names.
//
// A tie that a rule leaves open is decided by lot, and every lot is a draw
// from published data that anybody can repeat: see Seed and Lot.
package tally
