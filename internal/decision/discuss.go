package decision

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
)

// Text is one version of a motion's text.
type Text struct {
	Version int       `db:"version"`
	Title   string    `db:"title"`
	Text    string    `db:"text"`
	By      id.ID     `db:"member_id"`
	At      time.Time `db:"at"`
}

// Comment is a contribution to the discussion of a motion; replies hang below others.
type Comment struct {
	ID       id.ID     `db:"id"`
	Decision id.ID     `db:"decision_id"`
	Parent   id.ID     `db:"parent_id"`
	Member   id.ID     `db:"member_id"`
	Text     string    `db:"text"`
	At       time.Time `db:"at"`
	Edited   time.Time `db:"edited_at"`
	Deleted  time.Time `db:"deleted_at"`
}

// Reaction is an emoji that a member put to a comment.
type Reaction struct {
	Comment id.ID  `db:"comment_id"`
	Member  id.ID  `db:"member_id"`
	Emoji   string `db:"emoji"`
}

// Emojis are the reactions there are.
var Emojis = []string{"👍", "❤️", "🙏", "🤔", "😕", "🎉"}

// Amendment is a change of the text that another member proposes and the mover may accept.
type Amendment struct {
	ID       id.ID     `db:"id"`
	Decision id.ID     `db:"decision_id"`
	Member   id.ID     `db:"member_id"`
	Base     int       `db:"base"` // the version of the text it amends
	Text     string    `db:"text"` // the whole text as it would be
	Reason   string    `db:"reason"`
	State    string    `db:"state"`
	Answer   string    `db:"answer"`
	At       time.Time `db:"at"`
	Answered time.Time `db:"answered_at"`
}

// States of an amendment.
const (
	AmendmentOpen      = "open"
	AmendmentAccepted  = "accepted"
	AmendmentDeclined  = "declined"
	AmendmentWithdrawn = "withdrawn"
)

// visible loads a motion that the actor may read: drafts are for those who work on them.
func (s *Service) visible(ctx context.Context, h db.Handle, by authz.Actor, motion id.ID) (Motion, error) {
	m, ok, err := getMotion.Find(ctx, h, motion)
	if err != nil || !ok {
		return m, orNone(err)
	}
	return m, s.maySee(ctx, h, by, &m)
}

func (s *Service) maySee(ctx context.Context, h db.Handle, by authz.Actor, m *Motion) error {
	if m.State != Draft && !m.PublishedAt.IsZero() || by.Member != 0 && m.Mover == by.Member {
		return nil
	}
	list, err := listCollaborators.All(ctx, h, m.ID)
	if err != nil {
		return err
	}
	if by.Member == 0 || !slices.Contains(list, by.Member) {
		return errNone
	}
	return nil
}

// Comment adds to the discussion. Every member may speak, also one whom the motion concerns.
func (s *Service) Comment(ctx context.Context, by authz.Actor, motion, parent id.ID, text string) (Comment, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" || utf8.RuneCountInString(text) > 5000 {
		return Comment{}, fault.Field("text", "A comment has 1 to 5000 characters.")
	}
	if by.Member == 0 {
		return Comment{}, fault.New(fault.Forbidden, "Members can take part in the discussion.")
	}
	var c Comment
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		if _, err := s.visible(ctx, tx, by, motion); err != nil {
			return err
		}
		if parent != 0 {
			p, ok, err := getComment.Find(ctx, tx, parent)
			if err != nil {
				return err
			}
			if !ok || p.Decision != motion {
				return fault.Field("parent", "The comment you answer is not in this discussion.")
			}
		}
		c = Comment{ID: id.New(tx.Now()), Decision: motion, Parent: parent, Member: by.Member, Text: text, At: tx.Now()}
		if _, err := insertComment.Run(ctx, tx, c.ID, c.Decision, c.Parent, c.Member, c.Text, c.At); err != nil {
			return err
		}
		e := entry("commented", by)
		e.Subject, e.Private = ref.Ref{Kind: "comment", ID: c.ID}, map[string]string{"text": text}
		e.Data = map[string]any{"decision": motion}
		if _, err := s.record.Append(ctx, tx, e); err != nil {
			return err
		}
		return s.Commented.Emit(ctx, tx, c)
	})
	return c, err
}

// EditComment changes the actor's own comment; an empty text deletes it, its place stays.
func (s *Service) EditComment(ctx context.Context, by authz.Actor, comment id.ID, text string) error {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > 5000 {
		return fault.Field("text", "A comment has 1 to 5000 characters.")
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, ok, err := getComment.Find(ctx, tx, comment)
		if err != nil {
			return err
		}
		if !ok || by.Member == 0 || c.Member != by.Member || !c.Deleted.IsZero() {
			return fault.New(fault.NotFound, "There is no such comment of yours.")
		}
		var deleted time.Time
		if text == "" {
			deleted = tx.Now()
		}
		_, err = updateComment.Run(ctx, tx, comment, text, tx.Now(), deleted)
		return err
	})
}

// React puts an emoji to a comment, or takes it away.
func (s *Service) React(ctx context.Context, by authz.Actor, comment id.ID, emoji string, on bool) error {
	if by.Member == 0 {
		return fault.New(fault.Forbidden, "Members can react.")
	}
	if !slices.Contains(Emojis, emoji) {
		return fault.Field("emoji", "Choose one of the reactions.")
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, ok, err := getComment.Find(ctx, tx, comment)
		if err != nil {
			return err
		}
		if !ok || !c.Deleted.IsZero() {
			return fault.New(fault.NotFound, "There is no such comment.")
		}
		if _, err := s.visible(ctx, tx, by, c.Decision); err != nil {
			return err
		}
		if !on {
			_, err = deleteReaction.Run(ctx, tx, comment, by.Member, emoji)
			return err
		}
		n, err := insertReaction.Run(ctx, tx, comment, by.Member, emoji)
		if err != nil || n == 0 {
			return err
		}
		return s.Reacted.Emit(ctx, tx, Reaction{comment, by.Member, emoji})
	})
}

// Amend proposes another text for a motion in discussion. Members of the body may.
func (s *Service) Amend(ctx context.Context, by authz.Actor, motion id.ID, text, reason string) (Amendment, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" || utf8.RuneCountInString(text) > MaxText {
		return Amendment{}, fault.Field("text", "The amended text has 1 to %d characters.", MaxText)
	}
	var a Amendment
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		m, err := s.visible(ctx, tx, by, motion)
		if err != nil {
			return err
		}
		if m.State != Discussion {
			return fault.New(fault.Conflict, "Amendments are for motions in discussion.")
		}
		if err := s.mayMove(ctx, tx, by, m.Body); err != nil {
			return err
		}
		if text == m.Text {
			return fault.Field("text", "The text is the same.")
		}
		a = Amendment{ID: id.New(tx.Now()), Decision: motion, Member: by.Member, Base: m.TextVersion, Text: text, Reason: strings.TrimSpace(reason), State: AmendmentOpen, At: tx.Now()}
		if _, err := insertAmendment.Run(ctx, tx, a.ID, a.Decision, a.Member, a.Base, a.Text, a.Reason, a.At); err != nil {
			return err
		}
		e := entry("amendment-proposed", by)
		e.Subject, e.Data, e.Private = ref.Ref{Kind: "amendment", ID: a.ID}, map[string]any{"decision": motion, "base": a.Base}, map[string]string{"text": text, "reason": a.Reason}
		if _, err := s.record.Append(ctx, tx, e); err != nil {
			return err
		}
		return s.Changed.Emit(ctx, tx, m)
	})
	return a, err
}

// Answer accepts an amendment into the text, or declines it. Only the mover may accept or decline, and
// only its author withdraw it. One that was made against an older text must be made again.
func (s *Service) Answer(ctx context.Context, by authz.Actor, amendment id.ID, how, answer string) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		a, ok, err := getAmendment.Find(ctx, tx, amendment)
		if err != nil || !ok {
			return orNone(err)
		}
		m, ok, err := lockOpen.Find(ctx, tx, a.Decision)
		if err != nil || !ok {
			return orNone(err)
		}
		switch {
		case by.Member == 0:
			return fault.New(fault.Forbidden, "Please sign in as a member.")
		case how == AmendmentWithdrawn && a.Member != by.Member:
			return fault.New(fault.Forbidden, "Only its author can withdraw an amendment.")
		case how != AmendmentWithdrawn && m.Mover != by.Member:
			return fault.New(fault.Forbidden, "Only the mover can answer an amendment.")
		case how != AmendmentAccepted && how != AmendmentDeclined && how != AmendmentWithdrawn:
			return fault.Field("answer", "An amendment is accepted, declined or withdrawn.")
		case m.State != Discussion:
			return fault.New(fault.Conflict, "The text is frozen once a motion is called.")
		case how == AmendmentAccepted && a.Base != m.TextVersion:
			return fault.New(fault.Conflict, "The text has changed since this amendment was made: it has to be made again.")
		}
		if n, err := answerAmendment.Run(ctx, tx, amendment, how, strings.TrimSpace(answer), tx.Now()); err != nil || n == 0 {
			if err == nil {
				err = fault.New(fault.Conflict, "This amendment has been answered already.")
			}
			return err
		}
		if how == AmendmentAccepted {
			if err := s.unsigned(ctx, tx, &m); err != nil {
				return err
			}
			if err := s.retext(ctx, tx, by, &m, m.Title, a.Text); err != nil {
				return err
			}
		}
		e := entry("amendment-"+how, by)
		e.Data = map[string]any{"amendment": amendment}
		if err := s.save(ctx, tx, &m, m.State, e); err != nil {
			return err
		}
		return s.Changed.Emit(ctx, tx, m)
	})
}

// Thread is the discussion of a motion: comments, oldest first, with their reactions.
func (s *Service) Thread(ctx context.Context, motion id.ID) ([]Comment, []Reaction, error) {
	comments, err := listComments.All(ctx, s.db, motion)
	if err != nil {
		return nil, nil, err
	}
	reactions, err := listReactions.All(ctx, s.db, motion)
	return comments, reactions, err
}

// Amendments lists those of a motion, the oldest first.
func (s *Service) Amendments(ctx context.Context, motion id.ID) ([]Amendment, error) {
	return listAmendments.All(ctx, s.db, motion)
}

// Texts lists the versions of a motion's text, the newest first.
func (s *Service) Texts(ctx context.Context, motion id.ID) ([]Text, error) {
	return listTexts.All(ctx, s.db, motion)
}

// EraseMember removes what a former member wrote and is personal: comments and the reasons of votes, of
// names under motions and of amendments. The votes stay, without words.
func (s *Service) EraseMember(ctx context.Context, tx *db.Tx, who id.ID) error {
	if _, err := eraseComments.Run(ctx, tx, who, tx.Now()); err != nil {
		return err
	}
	// The words of a change about a person may name them; what it changed is in its arguments, by id.
	if _, err := eraseChanges.Run(ctx, tx, `%"member":"`+who.String()+`"%`); err != nil {
		return err
	}
	for _, st := range []*db.Statement{eraseReasons, eraseSupports, eraseAmending} {
		if _, err := st.Run(ctx, tx, who); err != nil {
			return err
		}
	}
	return nil
}
