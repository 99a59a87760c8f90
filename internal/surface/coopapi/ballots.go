package coopapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

func declareBallots(s *Service) {
	add(s, operation{id: "voteByName", method: http.MethodPost, path: "/elections/{number}/vote", tag: tagElections, summary: "Cast a ballot by name, or change it", needs: writes,
		about: "In elections by name only. Ranks have no gaps.", act: "none: the roll of the vote says who may"}, s.voteByName)
	add(s, operation{id: "listNamedBallots", method: http.MethodGet, path: "/elections/{number}/ballots", tag: tagElections, summary: "The ballots of an election by name", needs: reads,
		about: "For members, once it is closed; before, one's own."}, s.listNamedBallots)
	add(s, operation{id: "getSecretBallot", method: http.MethodGet, path: "/ballots/{id}", tag: tagElections, summary: "A secret ballot",
		about: "The question is what the browser's own key is blinded for: take its bytes as they are. Ask without a token, so that everybody is seen to have the same. Once it is closed, all ballots are in the file."}, s.getSecretBallot)
	add(s, operation{id: "takePaper", method: http.MethodPost, path: "/ballots/{id}/paper", tag: tagElections, summary: "Take one's ballot paper", needs: writes,
		about: "The blinded message is signed once for each member on the roll (RFC 9474, RSABSSA-SHA384-PSS-Randomized). The same message has the same answer until the close.", act: "none: the roll of the vote says who may; one paper each"}, s.takePaper)
	add(s, operation{id: "castBallot", method: http.MethodPost, path: "/ballots/{id}/box", tag: tagElections, summary: "Put a ballot into the box, or replace one's own",
		about: "Without a token: the paper is what entitles. A request with one is refused.", act: "none: the ballot paper is what entitles"}, s.castBallot)
	add(s, operation{id: "getMarkedRegister", method: http.MethodGet, path: "/ballots/{id}/register", tag: tagElections, summary: "The marked register", needs: reads,
		about: "Who may vote, and who has taken a paper: for members, as at a polling station."}, s.markedRegister)
}

// SecretBallot is a secret vote, of an election or a motion.
type SecretBallot struct {
	ID       id.ID      `json:"id"`
	Subject  string     `json:"subject" doc:"election:ID or decision:ID."`
	Question string     `json:"question" doc:"Canonical JSON: all that was fixed when voting opened, with the key of the papers."`
	Hash     string     `json:"hash" doc:"SHA-256 of the question, as the record has it."`
	Roll     int        `json:"roll"`
	Papers   int        `json:"papers" doc:"Given out."`
	Ballots  int        `json:"ballots" doc:"In the box."`
	OpensAt  time.Time  `json:"opens_at"`
	ClosesAt time.Time  `json:"closes_at"`
	ClosedAt *time.Time `json:"closed_at,omitempty"`
	Sealed   bool       `json:"sealed,omitempty" doc:"Closed, and the scrutineers have not opened the ballots."`
	Void     bool       `json:"void,omitempty" doc:"Called off, or not opened in time: the ballots were destroyed."`
	File     string     `json:"file,omitempty" format:"uri" doc:"Once closed: all ballots with what proves them."`
	OnRoll   bool       `json:"on_roll" doc:"Whether the member may vote."`
	Taken    bool       `json:"taken" doc:"Whether the member's paper was given out."`
}

func (s *Service) secretBallot(ctx context.Context, by authz.Actor, v *ballot.Vote) (SecretBallot, error) {
	out := SecretBallot{ID: v.ID, Subject: v.Subject().String(), Question: v.QuestionJSON, Hash: v.Hash, Roll: v.Roll, Papers: v.Papers, Ballots: v.Ballots,
		OpensAt: v.OpensAt.UTC(), ClosesAt: v.ClosesAt.UTC(), ClosedAt: instant(v.ClosedAt),
		Sealed: v.Sealed(), Void: v.Voided}
	if out.ClosedAt != nil && !v.Voided {
		out.File = s.Site.Join("/ballots/" + v.ID.String() + "/file")
	}
	var err error
	out.OnRoll, out.Taken, err = s.Ballot.Entry(ctx, by, v.ID)
	return out, err
}

func (s *Service) getSecretBallot(ctx context.Context, by authz.Actor, in *Identified) (*Of[SecretBallot], error) {
	v, err := s.Ballot.Get(ctx, s.DB, in.id())
	if err != nil {
		return nil, err
	}
	out, err := s.secretBallot(ctx, by, &v)
	return one(out), err
}

// Signed is the answer to a blinded message.
type Signed struct {
	Signed  string `json:"signed" doc:"The blind signature, base64url."`
	Witness string `json:"witness,omitempty" doc:"That of the witness, where the vote has one."`
}

func (s *Service) takePaper(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
	Body struct {
		Blinded        string `json:"blinded" maxLength:"600" doc:"The blinded message, 384 bytes as base64url."`
		WitnessBlinded string `json:"witness_blinded,omitempty" maxLength:"600" doc:"The message blinded for the witness, where the question names one."`
		WitnessCode    string `json:"witness_code,omitempty" maxLength:"100" doc:"What the member has from the witness."`
	}
}) (*Of[Signed], error) {
	var blinded, witness ballotbox.Base64
	if err := blinded.UnmarshalText([]byte(in.Body.Blinded)); err != nil {
		return nil, fault.Field("blinded", "This is not base64url without padding.")
	}
	if err := witness.UnmarshalText([]byte(in.Body.WitnessBlinded)); err != nil {
		return nil, fault.Field("witness_blinded", "This is not base64url without padding.")
	}
	signature, second, err := s.Ballot.TakeWitnessed(ctx, by, in.id(), blinded, in.Body.WitnessCode, witness)
	if err != nil {
		return nil, err
	}
	return one(Signed{ballotbox.Base64(signature).String(), ballotbox.Base64(second).String()}), nil
}

// SealedBallot is a ballot as it goes into the box.
type SealedBallot struct {
	Key       string `json:"key" maxLength:"100" doc:"The ballot key: Ed25519, base64url."`
	Prefix    string `json:"prefix" maxLength:"100"`
	Paper     string `json:"paper" maxLength:"600" doc:"The signature that finishing the blind one gives."`
	Witness   string `json:"witness,omitempty" maxLength:"600" doc:"That of the witness, where the question names one."`
	Sequence  int64  `json:"sequence" minimum:"1" doc:"A higher one replaces a lower."`
	Choice    string `json:"choice" maxLength:"100000" doc:"Canonical JSON: rank, marks, points or vote; sealed, where the question has scrutineers."`
	Signature string `json:"signature" maxLength:"100" doc:"By the ballot key."`
}

// BallotReceipt says that a ballot is in the box.
type BallotReceipt struct {
	Ballot  string `json:"ballot" doc:"Its hash: its name in the published file."`
	Receipt string `json:"receipt" doc:"Ed25519 by the receipt key of the question, base64url."`
}

func (s *Service) castBallot(ctx context.Context, _ authz.Actor, in *struct {
	Identified
	Body SealedBallot
}) (*Of[BallotReceipt], error) {
	if callOf(ctx).token {
		return nil, fault.New(fault.Invalid, "The box takes ballots without a token, so that it cannot know whose they are.")
	}
	var b ballotbox.Ballot
	for _, x := range []struct {
		name, text string
		to         *ballotbox.Base64
	}{{"key", in.Body.Key, &b.Key}, {"prefix", in.Body.Prefix, &b.Prefix}, {"paper", in.Body.Paper, &b.Paper},
		{"signature", in.Body.Signature, &b.Signature}, {"witness", in.Body.Witness, &b.Witness}} {
		bytes, err := base64.RawURLEncoding.Strict().DecodeString(x.text)
		if err != nil {
			return nil, fault.Field(x.name, "This is not base64url without padding.")
		}
		*x.to = bytes
	}
	b.Sequence, b.Choice = uint64(in.Body.Sequence), in.Body.Choice
	r, err := s.Ballot.Cast(ctx, in.id(), b)
	if err != nil {
		return nil, err
	}
	return one(BallotReceipt{r.Ballot.String(), base64.RawURLEncoding.EncodeToString(r.Signature)}), nil
}

// RegisterLine is a line of the marked register.
type RegisterLine struct {
	Member Person `json:"member"`
	Taken  bool   `json:"taken" doc:"Has taken the ballot paper."`
}

func (s *Service) markedRegister(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Paging
}) (*Listed[RegisterLine], error) {
	if _, err := s.Ballot.Get(ctx, s.DB, in.id()); err != nil {
		return nil, err
	}
	list, err := s.Ballot.Register(ctx, by, in.id())
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(&in.Paging, list, rising, func(t *ballot.Tick) place { return place{int64(t.Member)} }, func(t *ballot.Tick) (RegisterLine, error) {
		out := RegisterLine{Taken: t.Taken}
		p, err := n.person(ctx, t.Member)
		if p != nil {
			out.Member = *p
		}
		return out, err
	})
}

// NamedBallot is a ballot by name.
type NamedBallot struct {
	Member Person    `json:"member"`
	Choice string    `json:"choice" doc:"JSON: rank or marks, in the order of the places on the paper."`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

func (s *Service) voteByName(ctx context.Context, by authz.Actor, in *struct {
	ElectionStep
	Body struct {
		Rank   []int  `json:"rank,omitempty" doc:"A rank for each candidate on the paper; 1 is best, 0 unranked."`
		Marks  []int  `json:"marks,omitempty" doc:"The places that are marked, from 0, rising."`
		Reason string `json:"reason,omitempty" maxLength:"2000"`
	}
}) (*Of[ElectionDetail], error) {
	e, err := s.Election.ByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	if err := s.Election.Vote(ctx, by, e.ID, ballotbox.Choice{Rank: in.Body.Rank, Marks: in.Body.Marks}, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.getElection(ctx, by, &in.ElectionNumbered)
}

func (s *Service) listNamedBallots(ctx context.Context, by authz.Actor, in *struct {
	ElectionNumbered
	Paging
}) (*Listed[NamedBallot], error) {
	e, err := s.Election.ByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	list, err := s.Election.NamedBallots(ctx, by, &e)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(&in.Paging, list, rising, func(v *election.Named) place { return place{int64(v.ID)} }, func(v *election.Named) (NamedBallot, error) {
		out := NamedBallot{Choice: v.Choice, Reason: v.Reason, At: v.At.UTC()}
		p, err := n.person(ctx, v.Member)
		if p != nil {
			out.Member = *p
		}
		return out, err
	})
}
