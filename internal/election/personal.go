package election

import (
	"context"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

// EraseMember removes what a former member wrote and is personal: statements, what they declared, reasons,
// questions and answers. Who stood and who was elected stays, as do ballots by name, without words.
func (s *Service) EraseMember(ctx context.Context, tx *db.Tx, who id.ID) error {
	for _, st := range []*db.Statement{eraseStatements, eraseNominations, eraseAffiliations, eraseReasons, eraseQuestions, eraseReplies} {
		if _, err := st.Run(ctx, tx, who); err != nil {
			return err
		}
	}
	return nil
}

// Personal is what elections keep of a member, for the member's archive. Secret ballots are not in it: nobody
// knows whose they are.
type Personal struct {
	Nominations []Candidate // of the member, and by the member
	Questions   []Question
	Replies     []Reply
	Ballots     []Named
}

// Mine is what elections keep of a member.
func (s *Service) Mine(ctx context.Context, h db.Handle, member id.ID) (p Personal, err error) {
	if p.Nominations, err = nominationsOf.All(ctx, h, member); err != nil {
		return p, err
	}
	if p.Questions, err = questionsOf.All(ctx, h, member); err != nil {
		return p, err
	}
	if p.Replies, err = repliesOf.All(ctx, h, member); err != nil {
		return p, err
	}
	p.Ballots, err = namedOf.All(ctx, h, member)
	return p, err
}
