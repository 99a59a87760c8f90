package decision

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Get is a motion by its number, for those who may see it: everybody, once it is published.
func (s *Service) Get(ctx context.Context, by authz.Actor, number int64) (Motion, error) {
	m, ok, err := getMotionByNumber.Find(ctx, s.db, number)
	if err != nil || !ok {
		return m, orNone(err)
	}
	return m, s.maySee(ctx, s.db, by, &m)
}

// ByID is a motion by its id.
func (s *Service) ByID(ctx context.Context, by authz.Actor, motion id.ID) (Motion, error) {
	return s.visible(ctx, s.db, by, motion)
}

// InTx is a motion within the caller's transaction, whoever may see it.
func (s *Service) InTx(ctx context.Context, tx *db.Tx, motion id.ID) (Motion, error) {
	m, ok, err := getMotion.Find(ctx, tx, motion)
	if err == nil && !ok {
		err = errNone
	}
	return m, err
}

// CommentByID is one comment, also one that was deleted.
func (s *Service) CommentByID(ctx context.Context, h db.Handle, comment id.ID) (Comment, error) {
	c, ok, err := getComment.Find(ctx, h, comment)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no such comment.")
	}
	return c, err
}

// Filter narrows a list of motions.
type Filter struct {
	Phase  string // "", discussion, open, window, in force, closed
	Body   id.ID
	Before int64 // number; 0: from the newest
	Limit  int
}

var phases = map[string][]State{
	"discussion": {Discussion, Called}, "open": {Open}, "window": {Window}, "in force": {InForce},
	"closed": {Closed, CalledIn, Withdrawn, Rescinded},
}

// Phases are the names a list can be narrowed by.
func Phases() []string { return []string{"discussion", "open", "window", "in force", "closed"} }

// List reads motions, the newest first.
func (s *Service) List(ctx context.Context, f Filter) ([]Motion, error) {
	if f.Before <= 0 {
		f.Before = 1 << 62
	}
	f.Limit = min(max(f.Limit, 1), 100)
	switch {
	case f.Body != 0:
		return listInBody.All(ctx, s.db, f.Body, f.Before, f.Limit)
	case f.Phase != "":
		var states []string
		for _, x := range phases[f.Phase] {
			states = append(states, string(x))
		}
		return listInStates.All(ctx, s.db, states, f.Before, f.Limit)
	}
	return listMotions.All(ctx, s.db, f.Before, f.Limit)
}

// Drafts are the actor's unpublished motions, and those the actor works on with others.
func (s *Service) Drafts(ctx context.Context, by authz.Actor) ([]Motion, error) {
	if by.Member == 0 {
		return nil, nil
	}
	return listDraftsOf.All(ctx, s.db, by.Member)
}

// ToVote are the open motions that wait for the actor's vote, those that close first first.
func (s *Service) ToVote(ctx context.Context, by authz.Actor) ([]Motion, error) {
	if by.Member == 0 {
		return nil, nil
	}
	list, err := listToVote.All(ctx, s.db, by.Member, s.db.Now())
	if err != nil {
		return nil, err
	}
	out := list[:0]
	for _, m := range list {
		if m.Secret() {
			taken, err := s.hasPaper(ctx, by, &m)
			if err != nil {
				return nil, err
			}
			if taken {
				continue
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// ToMend are the actor's motions whose effects came back stale or failed.
func (s *Service) ToMend(ctx context.Context, by authz.Actor) ([]Motion, error) {
	if by.Member == 0 {
		return nil, nil
	}
	list, err := listMovedBy.All(ctx, s.db, by.Member, []string{string(InForce)})
	return slices.DeleteFunc(list, func(m Motion) bool { return m.Execution != Stale && m.Execution != Failed }), err
}

// Followers are the motions that follow from one: called in, put again, ratifying, rescinding it.
func (s *Service) Followers(ctx context.Context, by authz.Actor, motion id.ID) ([]Motion, error) {
	list, err := listOrigin.All(ctx, s.db, motion)
	return slices.DeleteFunc(list, func(m Motion) bool { return m.State == Draft || m.OriginKind == Emergency }), err
}

// Supports lists the names under a motion, the first first.
func (s *Service) Supports(ctx context.Context, motion id.ID) ([]Support, error) {
	return listSupports.All(ctx, s.db, motion)
}

// Collaborators are those who work on a draft with its mover.
func (s *Service) Collaborators(ctx context.Context, motion id.ID) ([]id.ID, error) {
	return listCollaborators.All(ctx, s.db, motion)
}

// Shown is an effect of a motion as people see it: the exact change.
type Shown struct {
	effect.Stored
	Option int
	Change effect.Change
	Wrong  string // why it could not be applied now
	Moved  bool   // what it would change has changed since the call
}

// Shown shows what a motion would change: as of now, in the reader's language, until it is over; then
// as it was shown to the voters.
func (s *Service) Shown(ctx context.Context, h db.Handle, m *Motion) ([]Shown, error) {
	rows, err := listEffects.All(ctx, h, m.ID)
	if err != nil {
		return nil, err
	}
	out := make([]Shown, len(rows))
	for i, r := range rows {
		out[i] = Shown{Stored: r.stored(), Option: r.Option}
		if r.Change != "" {
			if err := json.Unmarshal([]byte(r.Change), &out[i].Change); err != nil {
				return nil, fmt.Errorf("show effect %s: %w", r.Kind, err)
			}
		}
		if m.Over() {
			continue
		}
		e, err := s.effects.Load(r.stored())
		var now effect.Change
		if err == nil {
			now, err = e.Check(ctx, h)
		}
		if words, ok := fault.Words(err); ok {
			out[i].Wrong = words
		} else if err != nil {
			return nil, err
		} else {
			out[i].Change, out[i].Moved = now, r.Base != "" && r.Base != now.Base
		}
	}
	return out, nil
}

// Proposal is the drafting form of a motion, to edit it or to start from it.
func (s *Service) Proposal(ctx context.Context, m *Motion) (Drafting, error) {
	rows, err := listEffects.All(ctx, s.db, m.ID)
	return Drafting{Body: m.Body, Title: m.Title, Text: m.Text, Method: m.Method, Settings: m.Settings(), Effects: proposed(rows), Review: m.ReviewAt, Petition: m.Petition}, err
}

// Posted notes in which post an account of the co-op told of a motion.
func (s *Service) Posted(ctx context.Context, tx *db.Tx, motion, post id.ID) error {
	_, err := insertPost.Run(ctx, tx, motion, post)
	return err
}

// Posts are those posts, the first first.
func (s *Service) Posts(ctx context.Context, h db.Handle, motion id.ID) ([]id.ID, error) {
	return listPosts.All(ctx, h, motion)
}

// Electorate is who is on the roll of a motion.
func (s *Service) Electorate(ctx context.Context, h db.Handle, motion id.ID) ([]id.ID, error) {
	return listRoll.All(ctx, h, motion)
}

// Unvoted are those on the roll of a motion who have not voted.
func (s *Service) Unvoted(ctx context.Context, h db.Handle, motion id.ID) ([]id.ID, error) {
	return s.unvoted(ctx, h, motion)
}

func parseID(s string) (id.ID, bool) {
	i := id.Parse(s)
	return i, i != 0
}

// Mine is what a member decided and said: every vote with its reason, and every comment. It is part of
// the member's archive; callers give it to that member alone.
func (s *Service) Mine(ctx context.Context, h db.Handle, member id.ID) ([]Vote, []Comment, error) {
	votes, err := votesOf.All(ctx, h, member)
	if err != nil {
		return nil, nil, err
	}
	comments, err := commentsOf.All(ctx, h, member)
	return votes, comments, err
}
