// Package ballot is the secret ballot: the roll and marked register, the ballot papers and the ballot box
// of every vote that is held in secret, an election's or a motion's.
//
//	open ─→ closed
//
// When a vote opens, its roll is fixed and a fresh key is made; the public half goes into the record. A
// member on the roll may take one ballot paper: the browser blinds the key of the ballot it will cast, the
// server signs it once and ticks the member in the marked register. The ballot goes in by another request,
// which carries no sign-in; whoever has a paper may replace the ballot on it until the close. At the close
// the private keys are erased, the record takes the hashes of all ballots, the ballots are published
// sorted by hash, and the count runs. Anybody can then find their own ballot and count all again.
//
// Promises: no stored row joins a member and a ballot; the box keeps neither time nor address nor order;
// ballots <= ticks <= roll; a ballot is in before the close, with a signed receipt, or not at all. What is
// not promised: who watches the server's network while people vote can match the two requests, and
// whoever votes without script lets the server see the choice in passing (VoteFor).
package ballot
