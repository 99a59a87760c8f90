package media_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/media"
)

// What is hidden is not shown from the cache either, and not fetched; it comes back when it is not any more.
func TestHiddenPictures(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := context.Background()
		p := newPeer(t, photo(t, 40, 40))
		if err := h.db.InTx(ctx, func(tx *db.Tx) error {
			return h.AttachRemote(ctx, tx, 9, 200, []media.Remote{{URL: p.URL + "/a.jpg", ContentType: "image/jpeg"}, {URL: p.URL + "/b.jpg", ContentType: "image/jpeg"}})
		}); err != nil {
			t.Fatal(err)
		}
		m, err := h.OfPosts(ctx, h.db, []id.ID{200})
		if err != nil {
			t.Fatal(err)
		}
		cached, fresh, face := h.URL(m[200][0]), h.URL(m[200][1]), h.PictureURL(p.URL+"/me.png", "avatar", "")
		status := func(want int, urls ...string) {
			t.Helper()
			for _, u := range urls {
				if res, _ := h.get(t, u); res.StatusCode != want {
					t.Errorf("%s: status %d, want %d", u, res.StatusCode, want)
				}
			}
		}
		status(http.StatusOK, cached, face)
		h.Hides = func(_ context.Context, account id.ID, address string) (bool, error) {
			return account == 9 || account == 0 && strings.HasPrefix(address, p.URL), nil
		}
		status(http.StatusNotFound, cached, fresh, face)
		if n := p.asked.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
		h.Hides = nil
		status(http.StatusOK, cached, fresh, face)
	})
}
