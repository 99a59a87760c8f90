package coopapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

const tagDiscussion = "Discussion"

func declareDiscussion(s *Service) {
	declareVotes(s)
	get := func(what, opID, summary, about string) operation {
		return operation{id: opID, method: http.MethodGet, path: "/decisions/{number}/" + what, tag: tagDiscussion, summary: summary, about: about}
	}
	comments := get("comments", "listComments", "The discussion of a motion", "For members. The oldest first; answers name the comment above them.")
	comments.needs = reads
	add(s, comments, s.listComments)
	add(s, operation{id: "comment", method: http.MethodPost, path: "/decisions/{number}/comments", tag: tagDiscussion, summary: "Speak", needs: writes, act: speaker, status: http.StatusCreated}, s.comment)
	add(s, operation{id: "editComment", method: http.MethodPut, path: "/comments/{id}", tag: tagDiscussion, summary: "Change one's own comment", needs: writes, act: speaker}, s.editComment)
	add(s, operation{id: "deleteComment", method: http.MethodDelete, path: "/comments/{id}", tag: tagDiscussion, summary: "Delete one's own comment", needs: writes, act: speaker,
		about: "Its place stays, for the answers to it."}, s.deleteComment)
	add(s, operation{id: "react", method: http.MethodPut, path: "/comments/{id}/reactions/{emoji}", tag: tagDiscussion, summary: "React to a comment", needs: writes, act: speaker}, s.react(true))
	add(s, operation{id: "unreact", method: http.MethodDelete, path: "/comments/{id}/reactions/{emoji}", tag: tagDiscussion, summary: "Take a reaction away", needs: writes, act: speaker}, s.react(false))
	add(s, get("texts", "listTexts", "The versions of the text", "The newest first."), s.listTexts)
	add(s, get("amendments", "listAmendments", "The amendments of a motion", "The oldest first."), s.listAmendments)
	add(s, operation{id: "amend", method: http.MethodPost, path: "/decisions/{number}/amendments", tag: tagDiscussion, summary: "Propose another text", needs: writes, act: speaker,
		status: http.StatusCreated, about: "For motions in discussion, by members of the body."}, s.amend)
	add(s, operation{id: "answerAmendment", method: http.MethodPost, path: "/amendments/{id}/answer", tag: tagDiscussion, summary: "Accept, decline or withdraw an amendment", needs: writes, act: mover,
		about: "The mover accepts it into the text or declines it; its author withdraws it. One that was made against an older text has to be made again."}, s.answerAmendment)
}

// Comment is a contribution to a discussion.
type Comment struct {
	ID        id.ID      `json:"id"`
	Parent    id.ID      `json:"parent,omitempty" doc:"The comment that it answers."`
	Member    Person     `json:"member"`
	Text      string     `json:"text" doc:"Markdown; empty once it is deleted."`
	At        time.Time  `json:"at"`
	EditedAt  *time.Time `json:"edited_at,omitempty"`
	DeletedAt *time.Time `json:"deleted_at,omitempty"`
	Reactions []Reaction `json:"reactions"`
}

// Reaction is an emoji under a comment.
type Reaction struct {
	Emoji string `json:"emoji"`
	Count int    `json:"count"`
	Mine  bool   `json:"mine,omitempty" doc:"The member is among them."`
}

func (n *names) comment(ctx context.Context, c *decision.Comment, by authz.Actor, all []decision.Reaction) (Comment, error) {
	out := Comment{ID: c.ID, Parent: c.Parent, Text: c.Text, At: c.At.UTC(), EditedAt: instant(c.Edited), DeletedAt: instant(c.Deleted), Reactions: []Reaction{}}
	for _, emoji := range decision.Emojis {
		x := Reaction{Emoji: emoji}
		for _, r := range all {
			if r.Comment == c.ID && r.Emoji == emoji {
				x.Count++
				x.Mine = x.Mine || r.Member == by.Member
			}
		}
		if x.Count > 0 {
			out.Reactions = append(out.Reactions, x)
		}
	}
	who, err := n.person(ctx, c.Member)
	if who != nil {
		out.Member = *who
	}
	return out, err
}

func (s *Service) listComments(ctx context.Context, by authz.Actor, in *struct {
	Numbered
	Paging
}) (*Listed[Comment], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	list, reactions, err := s.Decision.Thread(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(&in.Paging, list, rising, func(c *decision.Comment) place { return place{int64(c.ID)} }, func(c *decision.Comment) (Comment, error) { return n.comment(ctx, c, by, reactions) })
}

func (s *Service) comment(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body struct {
		Text   string `json:"text" minLength:"1" maxLength:"5000" doc:"Markdown."`
		Parent id.ID  `json:"parent,omitempty" doc:"The comment that it answers."`
	}
}) (*Of[Comment], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	c, err := s.Decision.Comment(ctx, by, m.ID, in.Body.Parent, in.Body.Text)
	if err != nil {
		return nil, err
	}
	out, err := s.names().comment(ctx, &c, by, nil)
	return one(out), err
}

func (s *Service) editComment(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"5000"`
	}
}) (*None, error) {
	if strings.TrimSpace(in.Body.Text) == "" { // the feature reads that as to delete it
		return nil, fault.Field("text", "A comment has 1 to 5000 characters.")
	}
	return &None{}, s.Decision.EditComment(ctx, by, in.id(), in.Body.Text)
}

func (s *Service) deleteComment(ctx context.Context, by authz.Actor, in *Identified) (*None, error) {
	return &None{}, s.Decision.EditComment(ctx, by, in.id(), "")
}

// Reacting is a reaction to a comment.
type Reacting struct {
	Identified
	Emoji string `path:"emoji" enum:"👍,❤️,🙏,🤔,😕,🎉"`
}

func (s *Service) react(on bool) func(context.Context, authz.Actor, *Reacting) (*None, error) {
	return func(ctx context.Context, by authz.Actor, in *Reacting) (*None, error) {
		return &None{}, s.Decision.React(ctx, by, in.id(), in.Emoji, on)
	}
}

// Text is one version of a motion's text.
type Text struct {
	Version int       `json:"version"`
	Title   string    `json:"title"`
	Text    string    `json:"text" doc:"Markdown."`
	By      *Person   `json:"by,omitempty"`
	At      time.Time `json:"at"`
}

func (s *Service) listTexts(ctx context.Context, by authz.Actor, in *struct {
	Numbered
	Paging
}) (*Listed[Text], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	list, err := s.Decision.Texts(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(&in.Paging, list, falling, func(t *decision.Text) place { return place{int64(t.Version)} }, func(t *decision.Text) (Text, error) {
		who, err := n.person(ctx, t.By)
		return Text{t.Version, t.Title, t.Text, who, t.At.UTC()}, err
	})
}

// Amendment is a change of the text that a member proposes.
type Amendment struct {
	ID         id.ID      `json:"id"`
	Member     Person     `json:"member"`
	Base       int        `json:"base" doc:"The version of the text that it amends."`
	Text       string     `json:"text" doc:"The whole text as it would be."`
	Reason     string     `json:"reason,omitempty"`
	State      string     `json:"state" enum:"open,accepted,declined,withdrawn"`
	Answer     string     `json:"answer,omitempty"`
	At         time.Time  `json:"at"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
}

func (n *names) amendment(ctx context.Context, a *decision.Amendment) (Amendment, error) {
	out := Amendment{ID: a.ID, Base: a.Base, Text: a.Text, Reason: a.Reason, State: a.State, Answer: a.Answer, At: a.At.UTC(), AnsweredAt: instant(a.Answered)}
	who, err := n.person(ctx, a.Member)
	if who != nil {
		out.Member = *who
	}
	return out, err
}

func (s *Service) listAmendments(ctx context.Context, by authz.Actor, in *struct {
	Numbered
	Paging
}) (*Listed[Amendment], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	list, err := s.Decision.Amendments(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(&in.Paging, list, rising, func(a *decision.Amendment) place { return place{int64(a.ID)} }, func(a *decision.Amendment) (Amendment, error) { return n.amendment(ctx, a) })
}

func (s *Service) amend(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body struct {
		Text   string `json:"text" minLength:"1" maxLength:"20000" doc:"The whole text as it would be."`
		Reason string `json:"reason,omitempty" maxLength:"5000"`
	}
}) (*Of[Amendment], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	a, err := s.Decision.Amend(ctx, by, m.ID, in.Body.Text, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	out, err := s.names().amendment(ctx, &a)
	return one(out), err
}

func (s *Service) answerAmendment(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
	Body struct {
		Answer string `json:"answer" enum:"accepted,declined,withdrawn"`
		Words  string `json:"words,omitempty" maxLength:"5000" doc:"What there is to say about it."`
	}
}) (*None, error) {
	return &None{}, s.Decision.Answer(ctx, by, in.id(), in.Body.Answer, in.Body.Words)
}
