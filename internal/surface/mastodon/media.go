package mastodon

import (
	"rochdale/internal/kit/fault"
	"rochdale/internal/media"
)

// maxUpload is what a request with a picture may hold: the picture and its description.
const maxUpload = media.MaxBytes + 1<<20

// uploadMedia answers when the picture is ready, so v1 and v2 are the same.
// spec: mastodon/methods/media#v2
func uploadMedia(c *call) error {
	h := c.File("file")
	if h == nil {
		return fault.Field("file", "Validation failed: File can't be blank")
	}
	f, err := h.Open()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	var focus media.Focus
	if p := parseFocus(c.String("focus")); p != nil {
		focus = *p
	}
	a, err := c.Media.Upload(c.r.Context(), c.by, f, c.String("description"), focus)
	if err != nil {
		return err
	}
	return c.json(c.mediaEntity(a))
}

// spec: mastodon/methods/media#get
func getMedia(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	a, err := c.Media.Get(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	return c.json(c.mediaEntity(a))
}

// spec: mastodon/methods/media#update
func updateMedia(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	var alt *string
	c.words("description", &alt)
	a, err := c.Media.Update(c.r.Context(), c.by, i, alt, parseFocus(c.String("focus")))
	if err != nil {
		return err
	}
	return c.json(c.mediaEntity(a))
}

// spec: mastodon/methods/media#delete
func deleteMedia(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	if err := c.Media.Discard(c.r.Context(), c.by, i); err != nil {
		return err
	}
	return emptyObject(c)
}
