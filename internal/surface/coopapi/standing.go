package coopapi

import (
	"context"
	"net/http"

	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

// Why the operations of an election need no mandate, as on its pages.
const (
	takesPart  = "none: members of the body that votes take part; the service checks"
	standsSelf = "none: a nomination is its member's own"
)

func declareStanding(s *Service) {
	on := func(name, verb, summary, about, act string) operation {
		return operation{id: name, method: http.MethodPost, path: "/elections/{number}/" + verb, tag: tagElections, summary: summary, about: about, needs: writes, act: act}
	}
	nominate := on("nominate", "nominations", "Nominate a member, or put a project forward", "Without a member it is oneself, who stands at once; another is asked. In a budget it is a project.", takesPart)
	nominate.status = http.StatusCreated
	add(s, nominate, s.nominate)
	for _, x := range []struct {
		op operation
		do func(ctx context.Context, by authz.Actor, candidate id.ID, body CandidacyBody) error
	}{
		{on("acceptNomination", "nominations/{id}/accept", "Accept a nomination, or change one's statement", "Until the list is final.", standsSelf), func(ctx context.Context, by authz.Actor, c id.ID, b CandidacyBody) error {
			return s.Election.Answer(ctx, by, c, true, b.candidacy())
		}},
		{on("declineNomination", "nominations/{id}/decline", "Decline a nomination", "", standsSelf), func(ctx context.Context, by authz.Actor, c id.ID, _ CandidacyBody) error {
			return s.Election.Answer(ctx, by, c, false, election.Candidacy{})
		}},
		{on("withdrawCandidacy", "nominations/{id}/withdraw", "Stand no more", "Until voting opens.", standsSelf), func(ctx context.Context, by authz.Actor, c id.ID, _ CandidacyBody) error {
			return s.Election.Withdraw(ctx, by, c)
		}},
		{on("endorseCandidate", "nominations/{id}/endorse", "Endorse a candidate", "", takesPart), func(ctx context.Context, by authz.Actor, c id.ID, _ CandidacyBody) error {
			return s.Election.Endorse(ctx, by, c)
		}},
		{on("objectToRuling", "nominations/{id}/object", "Object to a ruling of the returning officer", "Where as many object as could call a motion in, the nomination stands again.", takesPart), func(ctx context.Context, by authz.Actor, c id.ID, _ CandidacyBody) error {
			return s.Election.Object(ctx, by, c)
		}},
		{on("strikeNomination", "nominations/{id}/strike", "Rule a nomination out", "As returning officer, with a reason, until a day before the list is final.", election.Strike), func(ctx context.Context, by authz.Actor, c id.ID, b CandidacyBody) error {
			return s.Election.Rule(ctx, by, c, false, b.Reason)
		}},
		{on("restoreNomination", "nominations/{id}/restore", "Restore a nomination", "As returning officer, with a reason.", election.Restore), func(ctx context.Context, by authz.Actor, c id.ID, b CandidacyBody) error {
			return s.Election.Rule(ctx, by, c, true, b.Reason)
		}},
	} {
		add(s, x.op, func(ctx context.Context, by authz.Actor, in *struct {
			ElectionStep
			Identified
			Body *CandidacyBody `required:"false"`
		}) (*Of[ElectionDetail], error) {
			if err := s.ofElection(ctx, in.Number, in.id()); err != nil {
				return nil, err
			}
			if in.Body == nil {
				in.Body = &CandidacyBody{}
			}
			if err := x.do(ctx, by, in.id(), *in.Body); err != nil {
				return nil, err
			}
			return s.getElection(ctx, by, &in.ElectionNumbered)
		})
	}
	add(s, on("askCandidates", "questions", "Ask all candidates", "In public, until voting closes.", takesPart), s.askCandidates)
	add(s, on("answerQuestion", "questions/{id}/reply", "Answer a question, as a candidate", "Doing it again changes the answer.", standsSelf), s.answerQuestion)
	add(s, on("prolongElection", "prolong", "Prolong nominations or an open vote, once", "As returning officer, with a reason.", election.Prolong), s.prolong)
	for _, x := range []struct {
		op operation
		do func(ctx context.Context, by authz.Actor, election id.ID, key ballotbox.Base64) error
	}{
		{on("offerScrutiny", "scrutineers", "Offer to be a scrutineer", "With an X25519 public key to which ballots can be sealed. Until voting opens; again it replaces the key.", takesPart), s.Election.OfferScrutiny},
		{on("revealKey", "reveal", "Give up one's key as a scrutineer", "The private key, after the close: everybody can read it from then on.", "none: whoever holds the key to a sealed ballot gives it up; the service checks"), s.Election.Reveal},
	} {
		add(s, x.op, func(ctx context.Context, by authz.Actor, in *struct {
			ElectionStep
			Body struct {
				Key string `json:"key" maxLength:"100" doc:"32 bytes as base64url."`
			}
		}) (*Of[ElectionDetail], error) {
			e, err := s.Election.ByNumber(ctx, in.Number)
			if err != nil {
				return nil, err
			}
			var key ballotbox.Base64
			if err := key.UnmarshalText([]byte(in.Body.Key)); err != nil {
				return nil, fault.Field("key", "This is not base64url without padding.")
			}
			if err := x.do(ctx, by, e.ID, key); err != nil {
				return nil, err
			}
			return s.getElection(ctx, by, &in.ElectionNumbered)
		})
	}
	add(s, on("withdrawScrutiny", "scrutineers/withdraw", "Do not offer to be a scrutineer any more", "Until voting opens.", takesPart), func(ctx context.Context, by authz.Actor, in *ElectionStep) (*Of[ElectionDetail], error) {
		e, err := s.Election.ByNumber(ctx, in.Number)
		if err != nil {
			return nil, err
		}
		if err := s.Election.WithdrawScrutiny(ctx, by, e.ID); err != nil {
			return nil, err
		}
		return s.getElection(ctx, by, &in.ElectionNumbered)
	})
	add(s, on("observeElection", "observe", "Be on the list of observers", "", "none: any member may watch an election"), func(ctx context.Context, by authz.Actor, in *ElectionStep) (*Of[ElectionDetail], error) {
		e, err := s.Election.ByNumber(ctx, in.Number)
		if err != nil {
			return nil, err
		}
		if err := s.Election.Observe(ctx, by, e.ID); err != nil {
			return nil, err
		}
		return s.getElection(ctx, by, &in.ElectionNumbered)
	})
}

// ElectionStep names an election in the address of something that is done once.
type ElectionStep struct {
	ElectionNumbered
	Once
}

// CandidacyBody is what a candidate declares, or why an officer rules.
type CandidacyBody struct {
	Member      string `json:"member,omitempty" pattern:"^[0-9]{1,19}$" doc:"Who is nominated; without it oneself."`
	Statement   string `json:"statement,omitempty" maxLength:"10000"`
	Affiliation string `json:"affiliation,omitempty" maxLength:"100" doc:"An employer or group that voters should know of."`
	Reserved    string `json:"reserved,omitempty" maxLength:"60" doc:"The reserved seat that one stands for."`
	Title       string `json:"title,omitempty" maxLength:"150" doc:"Of a project."`
	Cost        int64  `json:"cost,omitempty" minimum:"0" doc:"Of a project, in the smallest unit."`
	Reason      string `json:"reason,omitempty" maxLength:"1000" doc:"Of a ruling."`
}

func (b *CandidacyBody) candidacy() election.Candidacy {
	return election.Candidacy{Statement: b.Statement, Affiliation: b.Affiliation, Reserved: b.Reserved, Title: b.Title, Cost: b.Cost}
}

// ofElection refuses a nomination that is not of the election in the address.
func (s *Service) ofElection(ctx context.Context, number int64, candidate id.ID) error {
	e, err := s.Election.ByNumber(ctx, number)
	if err != nil {
		return err
	}
	list, err := s.Election.Candidates(ctx, s.DB, e.ID)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.ID == candidate {
			return nil
		}
	}
	return election.ErrNoNomination
}

func (s *Service) nominate(ctx context.Context, by authz.Actor, in *struct {
	ElectionStep
	Body CandidacyBody
}) (*Of[ElectionDetail], error) {
	e, err := s.Election.ByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	who := id.Parse(in.Body.Member)
	if who == 0 {
		who = by.Member
	}
	if _, err := s.Election.Nominate(ctx, by, e.ID, who, in.Body.candidacy()); err != nil {
		return nil, err
	}
	return s.getElection(ctx, by, &in.ElectionNumbered)
}

func (s *Service) askCandidates(ctx context.Context, by authz.Actor, in *struct {
	ElectionStep
	Body struct {
		Text string `json:"text" maxLength:"1000"`
	}
}) (*Of[ElectionDetail], error) {
	e, err := s.Election.ByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	if _, err := s.Election.Ask(ctx, by, e.ID, in.Body.Text); err != nil {
		return nil, err
	}
	return s.getElection(ctx, by, &in.ElectionNumbered)
}

func (s *Service) answerQuestion(ctx context.Context, by authz.Actor, in *struct {
	ElectionStep
	Identified
	Body struct {
		Text string `json:"text" maxLength:"3000"`
	}
}) (*Of[ElectionDetail], error) {
	if err := s.Election.Reply(ctx, by, in.id(), in.Body.Text); err != nil {
		return nil, err
	}
	return s.getElection(ctx, by, &in.ElectionNumbered)
}

func (s *Service) prolong(ctx context.Context, by authz.Actor, in *struct {
	ElectionStep
	Body struct {
		Days   int    `json:"days" minimum:"1" maximum:"60"`
		Reason string `json:"reason" maxLength:"1000"`
	}
}) (*Of[ElectionDetail], error) {
	e, err := s.Election.ByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	if err := s.Election.Extend(ctx, by, e.ID, in.Body.Days, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.getElection(ctx, by, &in.ElectionNumbered)
}
