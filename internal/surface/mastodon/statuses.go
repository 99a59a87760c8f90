package mastodon

import (
	"strconv"
	"strings"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// spec: mastodon/methods/statuses#create
func createStatus(c *call) error {
	if err := c.refuseUnsupported(); err != nil {
		return err
	}
	ctx := c.r.Context()
	me, err := c.Social.Account(ctx, c.DB, c.by.Account)
	if err != nil {
		return err
	}
	d := social.Draft{Text: c.String("status"), Summary: c.String("spoiler_text"), Sensitive: me.DefaultSensitive, Visibility: me.DefaultVisibility,
		Language: me.DefaultLanguage, InReplyTo: c.ID("in_reply_to_id"), Media: c.IDs("media_ids"), Key: c.r.Header.Get("Idempotency-Key")}
	if c.Has("sensitive") {
		d.Sensitive = c.Bool("sensitive")
	}
	if l := c.String("language"); l != "" {
		d.Language = l
	}
	if v := c.String("visibility"); v != "" {
		var ok bool
		if d.Visibility, ok = social.ParseVisibility(v); !ok {
			return fault.Field("visibility", "Validation failed: Visibility is not included in the list")
		}
	}
	if len(d.Key) > 200 {
		return fault.New(fault.Invalid, "The Idempotency-Key is too long.")
	}
	if d.InReplyTo != 0 { // apps may name a boost; the answer goes to what is boosted
		v, err := c.Social.Post(ctx, c.by, d.InReplyTo)
		if err != nil {
			return err
		}
		d.InReplyTo = v.Shown().ID
	} else if c.String("in_reply_to_id") != "" {
		return errNone
	}
	p, err := c.Social.Publish(ctx, c.by, d)
	if err != nil {
		return err
	}
	return c.status(p.ID)
}

func (c *call) refuseUnsupported() error {
	for k := range c.Values() {
		if strings.HasPrefix(k, "poll[") {
			return fault.Field("poll", "Polls cannot be added to posts here yet. Decisions of the co-op are made on its decisions page.")
		}
	}
	switch {
	case c.String("scheduled_at") != "":
		return fault.Field("scheduled_at", "Posts cannot be scheduled here yet. Nothing was posted.")
	case c.String("quoted_status_id") != "":
		return fault.Field("quoted_status_id", "Posts cannot be quoted here yet. Nothing was posted.")
	}
	return nil
}

// spec: mastodon/methods/statuses#get
func getStatus(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	return c.status(i)
}

// spec: mastodon/methods/statuses#index
func getStatusesByID(c *call) error {
	ids := c.IDs("id")
	views, err := c.Social.Posts(c.r.Context(), c.by, ids[:min(len(ids), 40)])
	if err != nil {
		return err
	}
	return c.posts(views)
}

// deleteStatus answers with the source, so that an app can begin anew from it.
// spec: mastodon/methods/statuses#delete
func deleteStatus(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	v, err := c.Social.Post(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	if v.BoostOfID != 0 {
		return errNone
	}
	if _, err := c.Social.Delete(c.r.Context(), c.by, i); err != nil {
		return err
	}
	b := c.appendOpen(nil, v, true)
	b = append(append(b, `,"text":`...), mustEncode(v.Source)...)
	return c.bytes(append(b, '}'))
}

// spec: mastodon/methods/statuses#context
func getContext(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	up, down, err := c.Social.Thread(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	if c.by.Account == 0 { // spec: mastodon/methods/statuses#context: what visitors get of a long thread
		up, down = up[max(0, len(up)-40):], down[:min(len(down), 60)]
	}
	member := c.by.Account != 0
	b := append([]byte(nil), `{"ancestors":`...)
	b = c.appendStatuses(b, up, member)
	b = append(b, `,"descendants":`...)
	b = c.appendStatuses(b, down, member)
	return c.bytes(append(b, '}'))
}

// spec: mastodon/methods/statuses#source
func getSource(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	v, err := c.Social.Post(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	v = v.Shown()
	source := v.Source
	if source == "" {
		source = posttext.PlainText(v.Content)
	}
	return c.json(struct {
		ID      id.ID  `json:"id"`
		Text    string `json:"text"`
		Spoiler string `json:"spoiler_text"`
	}{v.ID, source, v.Summary})
}

// spec: mastodon/methods/statuses#history
func getHistory(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	v, err := c.Social.Post(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	versions, err := c.Social.History(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	type edit struct {
		Content   string        `json:"content"`
		Spoiler   string        `json:"spoiler_text"`
		Sensitive bool          `json:"sensitive"`
		CreatedAt instant       `json:"created_at"`
		Account   accountEntity `json:"account"`
		Poll      *struct{}     `json:"poll"`
		Media     []mediaEntity `json:"media_attachments"`
		Emojis    none          `json:"emojis"`
	}
	out := make([]edit, len(versions))
	for n, ver := range versions {
		out[n] = edit{Content: ver.Content, Spoiler: ver.Summary, Sensitive: ver.Sensitive, CreatedAt: instant(ver.CreatedAt),
			Account: c.accountEntity(v.Author), Media: []mediaEntity{}}
		if n == len(versions)-1 {
			out[n].Media = c.mediaEntities(v.Media)
		}
	}
	return c.json(out)
}

// spec: mastodon/methods/statuses#edit
func editStatus(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	if err := c.refuseUnsupported(); err != nil {
		return err
	}
	ctx := c.r.Context()
	v, err := c.Social.Post(ctx, c.by, i)
	if err != nil {
		return err
	}
	if v.AccountID != c.by.Account {
		return errNone
	}
	d := social.Draft{Text: v.Source, Summary: v.Summary, Sensitive: v.Sensitive, Language: v.Language, Media: c.IDs("media_ids")}
	if c.Has("status") {
		d.Text = c.String("status")
	}
	if c.Has("spoiler_text") {
		d.Summary = c.String("spoiler_text")
	}
	if c.Has("sensitive") {
		d.Sensitive = c.Bool("sensitive")
	}
	if l := c.String("language"); l != "" {
		d.Language = l
	}
	if err := c.describeMedia(); err != nil {
		return err
	}
	if _, err := c.Social.Edit(ctx, c.by, i, d); err != nil {
		return err
	}
	return c.status(i)
}

// describeMedia changes the descriptions of pictures along with their post.
func (c *call) describeMedia() error {
	values := c.Values()
	ids, alts, points := values["media_attributes[][id]"], values["media_attributes[][description]"], values["media_attributes[][focus]"]
	if len(alts) != 0 && len(alts) != len(ids) || len(points) != 0 && len(points) != len(ids) {
		return fault.Field("media_attributes", "Please send the same attributes for each picture.")
	}
	for n, i := range ids {
		var alt *string
		var f *media.Focus
		if len(alts) > 0 {
			alt = &alts[n]
		}
		if len(points) > 0 {
			f = parseFocus(points[n])
		}
		if _, err := c.Media.Update(c.r.Context(), c.by, id.Parse(i), alt, f); err != nil {
			return err
		}
	}
	return nil
}

// parseFocus reads "x,y"; nil if it is none.
func parseFocus(s string) *media.Focus {
	xs, ys, ok := strings.Cut(s, ",")
	x, err1 := strconv.ParseFloat(strings.TrimSpace(xs), 64)
	y, err2 := strconv.ParseFloat(strings.TrimSpace(ys), 64)
	if !ok || err1 != nil || err2 != nil {
		return nil
	}
	return &media.Focus{X: x, Y: y}
}

// marking makes the handler of an act on one post that answers with the post.
func marking(act func(c *call, post id.ID) error) handler {
	return func(c *call) error {
		i, err := c.id()
		if err != nil {
			return err
		}
		if err := act(c, i); err != nil {
			return err
		}
		return c.status(i)
	}
}

// seen lets h answer only about a post that the actor may see.
func seen(h handler) handler {
	return func(c *call) error {
		if _, err := c.original(); err != nil {
			return err
		}
		return h(c)
	}
}

// spec: mastodon/methods/statuses#favourite
func favourite(c *call, i id.ID) error { return c.Social.Favourite(c.r.Context(), c.by, i) }

// spec: mastodon/methods/statuses#unfavourite
func unfavourite(c *call, i id.ID) error { return c.Social.Unfavourite(c.r.Context(), c.by, i) }

func bookmark(on bool) func(c *call, i id.ID) error {
	return func(c *call, i id.ID) error { return c.Social.Bookmark(c.r.Context(), c.by, i, on) }
}

func muteThread(on bool) func(c *call, i id.ID) error {
	return func(c *call, i id.ID) error { return c.Social.MuteThread(c.r.Context(), c.by, i, on) }
}

func pin(on bool) func(c *call, i id.ID) error {
	return func(c *call, i id.ID) error {
		err := c.Social.Pin(c.r.Context(), c.by, i, on)
		if fault.Is(err, fault.NotFound) { // visible but another's: say why
			if _, e := c.Social.Post(c.r.Context(), c.by, i); e == nil {
				return fault.New(fault.Invalid, "Validation failed: Someone else's post cannot be pinned")
			}
		}
		return err
	}
}

// spec: mastodon/methods/statuses#boost
func reblog(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	v := social.Public
	if s := c.String("visibility"); s != "" {
		var ok bool
		if v, ok = social.ParseVisibility(s); !ok || v == social.Direct {
			return fault.Field("visibility", "Validation failed: Visibility is not included in the list")
		}
	}
	b, err := c.Social.Boost(c.r.Context(), c.by, i, v)
	if err != nil {
		return err
	}
	return c.status(b.ID)
}

// spec: mastodon/methods/statuses#unreblog
func unreblog(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	v, err := c.Social.Post(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	i = v.Shown().ID
	if err := c.Social.Unboost(c.r.Context(), c.by, i); err != nil {
		return err
	}
	return c.status(i)
}

// spec: mastodon/methods/statuses#favourited_by
func favouritedBy(c *call) error {
	i, err := c.original()
	if err != nil {
		return err
	}
	return c.listed(c.Social.FavouritedBy(c.r.Context(), c.by, i, c.page(40, 80)))
}

// spec: mastodon/methods/statuses#reblogged_by
func rebloggedBy(c *call) error {
	i, err := c.original()
	if err != nil {
		return err
	}
	return c.listed(c.Social.BoostedBy(c.r.Context(), c.by, i, c.page(40, 80)))
}

// original is the post that the path names, itself or through a boost.
func (c *call) original() (id.ID, error) {
	i, err := c.id()
	if err != nil {
		return 0, err
	}
	v, err := c.Social.Post(c.r.Context(), c.by, i)
	if err != nil {
		return 0, err
	}
	return v.Shown().ID, nil
}
