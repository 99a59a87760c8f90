// Package ballotbox is the secret ballot that everybody can recount: the
// format rochdale/ballots/v1, for the member who votes, for the co-op that
// holds the box, and for whoever checks the count afterwards.
//
// # How a vote goes
//
// The co-op writes down the [Question] with all that is fixed when voting
// opens: the options, the rule, the roll's size and hash, and the public half
// of a fresh [Signer]. A member's client draws a [Code], which can be printed,
// and makes a ballot key from it. [Code.Blind] gives a blinded message, which
// the member hands in under their name; the co-op ticks the marked register
// and answers with [Signer.BlindSign]. [Request.Finish] makes the ballot paper
// of the answer: the co-op's signature on the ballot key, which the co-op has
// not seen. [Code.Seal] puts a choice on the paper, and this [Ballot] goes
// into the box by another way, without a name. The co-op can tell that it is
// on a paper of its own ([Question.CheckBallot]) and not on whose. A ballot
// with the same key and a higher sequence replaces the former. [SignReceipt]
// proves that a ballot went in.
//
// At the close the signing key is erased and [Publish] makes the [File] of all
// ballots, sorted by their hashes so that their order says nothing, with the
// result. [Verify] and [Compare] say of each ballot what is wrong with it.
//
// # What it promises
//
// Nothing that is stored joins a member to a ballot: the register has who took
// a paper, the box has ballots, and the blind signature (RFC 9474) is all that
// is between them. A member who has the code finds their ballot in the file
// and gets the same paper again. A co-op that drops, changes or adds ballots
// is found out by the holders of codes and receipts, and by the count of ticks.
//
// It does not hide a ballot from who watches the network while it is cast, and
// a member can show others how they voted.
//
// # Kinds of bytes
//
// JSON of this package has one form, the canonical one: fields in the order of
// the type, no spaces, no escapes that are not needed. Readers refuse any
// other, so that one thing has one hash. Bytes are base64url without padding,
// hashes are lower-case hexadecimal. There is no clock, no network and no
// random source in here: what needs randomness takes an io.Reader.
//
// spec: governance#3.4 rfc9474
package ballotbox
