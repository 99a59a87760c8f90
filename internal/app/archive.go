package app

import (
	"context"
	"encoding/json"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/member"
)

// The parts of a member's archive that other institutions keep.

type archivedPost struct {
	URL        string    `json:"url"`
	Published  time.Time `json:"published"`
	Edited     time.Time `json:"edited,omitzero"`
	Content    string    `json:"content"`          // HTML
	Source     string    `json:"source,omitempty"` // as it was written
	Warning    string    `json:"warning,omitempty"`
	Language   string    `json:"language,omitempty"`
	InReplyTo  id.ID     `json:"in_reply_to,omitempty"`
	Boosted    id.ID     `json:"boosted,omitempty"`
	Visibility string    `json:"visibility"`
}

func (a *App) archiveParts() []member.ArchivePart {
	return []member.ArchivePart{
		func(ctx context.Context, h db.Handle, m member.Member) (string, any, error) {
			out := []archivedPost{}
			if m.AccountID == 0 {
				return "posts.json", out, nil
			}
			list, err := a.Social.AllOf(ctx, h, m.AccountID)
			for _, p := range list {
				out = append(out, archivedPost{p.URI, p.CreatedAt, p.EditedAt, p.Content, p.Source, p.Summary, p.Language, p.InReplyToID, p.BoostOfID, p.Visibility.String()})
			}
			return "posts.json", out, err
		},
		func(ctx context.Context, h db.Handle, m member.Member) (string, any, error) {
			votes, comments, err := a.Decision.Mine(ctx, h, m.ID)
			type vote struct {
				Decision id.ID           `json:"decision"`
				Choice   json.RawMessage `json:"choice"`
				Reason   string          `json:"reason,omitempty"`
				At       time.Time       `json:"at"`
			}
			type comment struct {
				Decision id.ID     `json:"decision"`
				Text     string    `json:"text"`
				At       time.Time `json:"at"`
			}
			out := struct {
				Votes    []vote    `json:"votes"`
				Comments []comment `json:"comments"`
			}{[]vote{}, []comment{}}
			for _, v := range votes {
				out.Votes = append(out.Votes, vote{v.Decision, json.RawMessage(v.ChoiceJSON), v.Reason, v.At})
			}
			for _, c := range comments {
				out.Comments = append(out.Comments, comment{c.Decision, c.Text, c.At})
			}
			return "decisions.json", out, err
		},
		func(ctx context.Context, h db.Handle, m member.Member) (string, any, error) {
			out, err := a.electionsOf(ctx, h, m.ID)
			return "elections.json", out, err
		},
	}
}

type archivedElections struct {
	Nominations []archivedNomination `json:"nominations"`
	Questions   []archivedAnswer     `json:"questions"`
	Answers     []archivedAnswer     `json:"answers"`
	Ballots     []archivedBallot     `json:"ballots"` // by name; whose a secret one is nobody knows
}

type archivedNomination struct {
	Election    id.ID     `json:"election"`
	Member      id.ID     `json:"member"`
	By          id.ID     `json:"by"`
	Project     string    `json:"project,omitempty"`
	Statement   string    `json:"statement,omitempty"`
	Affiliation string    `json:"affiliation,omitempty"`
	Reserved    string    `json:"reserved,omitempty"`
	State       string    `json:"state"`
	At          time.Time `json:"at"`
}

type archivedAnswer struct {
	Election id.ID     `json:"election,omitempty"`
	Question id.ID     `json:"question"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
}

type archivedBallot struct {
	Election id.ID           `json:"election"`
	Choice   json.RawMessage `json:"choice"`
	Reason   string          `json:"reason,omitempty"`
	At       time.Time       `json:"at"`
}

func (a *App) electionsOf(ctx context.Context, h db.Handle, who id.ID) (archivedElections, error) {
	out := archivedElections{[]archivedNomination{}, []archivedAnswer{}, []archivedAnswer{}, []archivedBallot{}}
	p, err := a.Election.Mine(ctx, h, who)
	for _, c := range p.Nominations {
		x := archivedNomination{c.Election, c.Member, c.NominatedBy, c.Title, c.Statement, c.Affiliation, c.Reserved, c.State, c.At}
		if c.Member != who { // what another says of themselves is theirs
			x.Statement, x.Affiliation, x.Reserved = "", "", ""
		}
		out.Nominations = append(out.Nominations, x)
	}
	for _, q := range p.Questions {
		out.Questions = append(out.Questions, archivedAnswer{q.Election, q.ID, q.Text, q.At})
	}
	for _, r := range p.Replies {
		out.Answers = append(out.Answers, archivedAnswer{0, r.Question, r.Text, r.At})
	}
	for _, v := range p.Ballots {
		out.Ballots = append(out.Ballots, archivedBallot{v.Election, json.RawMessage(v.Choice), v.Reason, v.At})
	}
	return out, err
}
