package search

import (
	"context"
	"embed"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/social"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "search", Files: migrations} }

// Service finds posts.
type Service struct {
	db     *db.DB
	social *social.Service
}

// New makes the service.
func New(d *db.DB, s *social.Service) *Service { return &Service{db: d, social: s} }

// OnPublished adds a post to the index, in the transaction that stores it.
func (s *Service) OnPublished(ctx context.Context, tx *db.Tx, e social.Published) error {
	return index(ctx, tx, e.Post)
}

// OnEdited replaces it.
func (s *Service) OnEdited(ctx context.Context, tx *db.Tx, e social.Edited) error {
	if _, err := deletePost.Run(ctx, tx, e.Post.ID); err != nil {
		return err
	}
	return index(ctx, tx, e.Post)
}

// OnDeleted takes it out.
func (s *Service) OnDeleted(ctx context.Context, tx *db.Tx, e social.Deleted) error {
	_, err := deletePost.Run(ctx, tx, e.Post.ID)
	return err
}

func index(ctx context.Context, tx *db.Tx, p social.Post) error {
	words := Words(p.Summary + " " + posttext.PlainText(p.Content))
	if len(words) == 0 {
		return nil
	}
	_, err := insertPost.Run(ctx, tx, p.ID, strings.Join(words, " "))
	return err
}

// Question is what to look for: posts that hold all the words, the last as a beginning.
type Question struct {
	Words   string
	Account id.ID // only this account's posts, 0 for all
	Page    social.Page
}

// chunk is how many matches are looked at in one go: most of them may not be for the actor.
const chunk = 200

// maxLooked bounds what one question costs.
const maxLooked = 2000

// Posts finds posts that the actor may find, newest first.
func (s *Service) Posts(ctx context.Context, by authz.Actor, q Question) ([]id.ID, error) {
	if err := by.RequireAccount(); err != nil {
		return nil, err
	}
	ask := question(s.db.Dialect(), Words(q.Words))
	if ask == "" {
		return nil, nil
	}
	newest, limit := id.Max, min(max(q.Page.Limit, 1), 40)
	if q.Page.MaxID > 0 {
		newest = q.Page.MaxID
	}
	var out []id.ID
	for looked := 0; looked < maxLooked && len(out) < limit; looked += chunk {
		found, err := findPosts.All(ctx, s.db, ask, newest, max(q.Page.SinceID, q.Page.MinID), chunk)
		if err != nil {
			return nil, err
		}
		mine, err := s.social.Findable(ctx, by, found, q.Account)
		if err != nil {
			return nil, err
		}
		out = append(out, mine...)
		if len(found) < chunk {
			break
		}
		newest = found[len(found)-1]
	}
	return out[:min(len(out), limit)], nil
}

// question writes words in an engine's language. Words hold letters and digits only, so nothing in them
// can be taken for an operator.
func question(d db.Dialect, words []string) string {
	if len(words) == 0 {
		return ""
	}
	if len(words) > 16 {
		words = words[:16]
	}
	if d == db.Postgres {
		return strings.Join(words, " & ") + ":*"
	}
	return `"` + strings.Join(words, `" "`) + `" *`
}

// Words cuts a text into the words it is found by: lower case, without accents; what is written without
// spaces (Chinese, Japanese, Thai, ...) in overlapping pairs of letters.
func Words(text string) []string {
	var out []string
	var word, run []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, string(word))
		}
		switch {
		case len(run) == 1:
			out = append(out, string(run))
		case len(run) > 1:
			for i := range len(run) - 1 {
				out = append(out, string(run[i:i+2]))
			}
		}
		word, run = word[:0], run[:0]
	}
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r) && !unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			// accents are left out
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			if len(word) > 0 {
				flush()
			}
			run = append(run, r)
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if len(run) > 0 {
				flush()
			}
			if word = append(word, unicode.ToLower(r)); len(word) == 64 {
				flush()
			}
		default:
			flush()
		}
	}
	flush()
	return out
}
