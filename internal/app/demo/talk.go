package demo

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// line is one post of the script.
type line struct {
	depth      int
	who, lang  string
	visibility social.Visibility
	picture    int // 0: none
	warning    string
	text       string
}

func parse(s string) (line, error) {
	head, text, ok := strings.Cut(s, "::")
	if !ok {
		return line{}, fmt.Errorf("no text in %q", s)
	}
	l := line{text: strings.TrimSpace(text)}
	for strings.HasPrefix(head, ">") {
		head, l.depth = head[1:], l.depth+1
	}
	words := strings.Fields(head)
	if len(words) < 2 {
		return line{}, fmt.Errorf("no author or language in %q", s)
	}
	l.who, l.lang = words[0], words[1]
	for _, w := range words[2:] {
		switch key, value, _ := strings.Cut(w, ":"); key {
		case "img":
			n, err := strconv.Atoi(value)
			if err != nil {
				return line{}, err
			}
			l.picture = n + 1
		case "cw":
			l.warning = strings.ReplaceAll(value, "_", " ")
		case "followers":
			l.visibility = social.Followers
		case "unlisted":
			l.visibility = social.Unlisted
		case "direct":
			l.visibility = social.Direct
		default:
			return line{}, fmt.Errorf("what is %q in %q?", w, s)
		}
	}
	return l, nil
}

// talk spreads the threads over the time that is left, in the script's order.
func (f *filler) talk(ctx context.Context) error {
	var threads [][]line
	for _, block := range strings.Split(threadsText, "\n\n") {
		var t []line
		for _, s := range strings.Split(block, "\n") {
			if s = strings.TrimSpace(s); s == "" || s[0] == '#' {
				continue
			}
			l, err := parse(s)
			if err != nil {
				return err
			}
			t = append(t, l)
		}
		if len(t) > 0 {
			threads = append(threads, t)
		}
	}
	// The place fills up: long gaps at first, many voices lately, the last one half an hour ago.
	begin := f.Past.Now()
	span := f.Until.Add(-45 * time.Minute).Sub(begin)
	for i, t := range threads {
		left := 1 - float64(i+1)/float64(len(threads))
		at := begin.Add(time.Duration(float64(span) * (1 - left*left)))
		if i+1 < len(threads) {
			at = at.Add(-time.Duration(f.rnd.Int64N(int64(time.Hour))))
		}
		if err := f.govern(ctx, at); err != nil {
			return err
		}
		if at.After(f.Past.Now()) {
			f.Past.Set(at)
		}
		if err := f.thread(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// thread posts a thread without moving the calendar: answers come within minutes and hours, and the
// next thread begins where the script says.
func (f *filler) thread(ctx context.Context, t []line) error {
	begin := f.Past.Now()
	parents := []id.ID{}
	for _, l := range t {
		parents = parents[:min(l.depth, len(parents))]
		var parent id.ID
		if l.depth > 0 {
			parent = parents[len(parents)-1]
		}
		if l.depth > 0 && t[0].visibility == social.Followers { // whoever answers there follows its author
			if _, err := f.Social.Follow(ctx, f.actors[l.who], f.actors[t[0].who].Account, social.FollowOptions{}); err != nil {
				return err
			}
		}
		i, err := f.post(ctx, l, parent)
		if err != nil {
			return err
		}
		parents = append(parents, i)
		if l.visibility <= social.Unlisted {
			if err := f.applaud(ctx, i, l); err != nil {
				return err
			}
		}
		f.Past.Advance(time.Duration(1+f.rnd.IntN(4)) * time.Minute)
	}
	if spent := f.Past.Now().Sub(begin); spent > 30*time.Minute {
		f.Past.Set(begin.Add(30 * time.Minute))
	}
	return nil
}

func (f *filler) post(ctx context.Context, l line, parent id.ID) (id.ID, error) {
	by, ok := f.actors[l.who]
	if !ok {
		return 0, fmt.Errorf("nobody is called %q", l.who)
	}
	if by.Via == authz.Federation {
		return f.remotePost(ctx, l, by, parent)
	}
	d := social.Draft{Text: l.text, Summary: l.warning, Language: l.lang, Visibility: l.visibility, InReplyTo: parent}
	if l.picture > 0 {
		a, err := f.Media.Upload(ctx, by, bytes.NewReader(scene(l.picture-1)), scenes[(l.picture-1)%len(scenes)].alt, media.Focus{})
		if err != nil {
			return 0, err
		}
		d.Media = []id.ID{a.ID}
	}
	p, err := f.Social.Publish(ctx, by, d)
	return p.ID, err
}

func (f *filler) remotePost(ctx context.Context, l line, by authz.Actor, parent id.ID) (id.ID, error) {
	var p social.Post
	err := f.DB.InTx(ctx, func(tx *db.Tx) error {
		in := social.Incoming{Account: by.Account, Content: posttext.Render(l.text, posttext.Options{}).HTML, Language: l.lang,
			Visibility: l.visibility, Published: tx.Now()}
		for _, t := range posttext.Scan(l.text).Tags {
			in.Tags = append(in.Tags, t.Written)
		}
		in.URI = f.uri(id.New(tx.Now()), l.who)
		in.URL = in.URI
		if parent != 0 {
			q, err := f.Social.PostURI(ctx, tx, parent)
			if err != nil {
				return err
			}
			in.InReplyTo = q
		}
		var err error
		p, _, err = f.Social.ReceiveIn(ctx, tx, in)
		return err
	})
	return p.ID, err
}

// applaud lets some members favourite a post and a few boost it.
func (f *filler) applaud(ctx context.Context, post id.ID, l line) error {
	warmth := 14
	if l.depth > 0 {
		warmth = 5
	}
	return f.DB.InTx(ctx, func(tx *db.Tx) error {
		for _, name := range f.names {
			if name == l.who || f.rnd.IntN(40) >= warmth {
				continue
			}
			if err := f.Social.FavouriteIn(ctx, tx, f.actors[name], post, ""); err != nil {
				return err
			}
			if l.depth == 0 && l.visibility == social.Public && f.rnd.IntN(6) == 0 {
				if _, err := f.Social.BoostIn(ctx, tx, f.actors[name], post, social.Public, "", tx.Now()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
