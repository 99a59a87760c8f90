package record

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/ref"
)

// A veil keeps back for some days what an entry says. The entry shows its kind, who did it by which door
// and authority, the class of the reason, and when the rest is published at the latest; of the rest its
// body holds the SHA-256 of a salt and the bytes. They lie where personal data lies until Unveil publishes
// them, with the salt, in an entry of their own: anyone can take the hash again and compare. Nothing can be
// changed under the veil, and an entry whose rest is gone before it was published does not verify.

// Veil is why and until when an entry is kept back.
type Veil struct {
	Class string    `json:"class"`
	Until time.Time `json:"until"`
}

// Published is the kind of the entries that publish what another kept back.
const Published = "record.published"

// Unveiling are the facts of such an entry: SHA-256 of the salt followed by the content, both as text, is
// what the entry that it publishes holds under "private". The content is that entry's body without veil.
type Unveiling struct {
	Entry   int64  `json:"entry"`
	Salt    string `json:"salt"`
	Content string `json:"content"`
}

// veil turns a body into what is shown of it, and what is kept back.
func veil(open Body, v *Veil) (shown Body, kept savedRow, err error) {
	content, err := json.Marshal(open)
	if err != nil {
		return shown, kept, err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return shown, kept, err
	}
	kept = savedRow{Salt: rand.Text(), Data: string(content)}
	return Body{Member: open.Member, Via: open.Via, Authority: open.Authority, Data: data, Private: hashOf([]byte(kept.Salt + kept.Data)), Veiled: true}, kept, nil
}

// Unveil publishes what an entry keeps back. The personal data that belongs to it, if any, is kept outside
// the hash as that of every entry.
func (s *Service) Unveil(ctx context.Context, tx *db.Tx, seq int64, private any) (Event, error) {
	kept, ok, err := getPrivate.Find(ctx, tx, seq)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "The record keeps nothing back about this entry.")
	}
	if err != nil {
		return Event{}, err
	}
	var open Body
	if err := json.Unmarshal([]byte(kept.Data), &open); err != nil {
		return Event{}, fmt.Errorf("unveil entry %d: %w", seq, err)
	}
	e := Entry{Kind: Published, Subject: ref.Parse(open.Subject), Via: authz.Job, Data: Unveiling{seq, kept.Salt, kept.Data}, Private: private}
	if open.State != nil {
		e.State = open.State
	}
	ev, err := s.Append(ctx, tx, e)
	if err != nil {
		return ev, err
	}
	return ev, s.ErasePrivate(ctx, tx, seq) // it is in the record now
}

// veiled follows what is kept back through the record: until it is published, the state that it leaves is
// taken from beside the record, where its hash vouches for it.
func (w *walker) veiled(p *page, e Event, b *Body) error {
	if b.Veiled {
		w.kept[e.Seq] = b.Private
		if row, ok := p.private[e.Seq]; ok {
			var open Body
			if err := json.Unmarshal([]byte(row.Data), &open); err != nil {
				return &Broken{e.Seq, "what it keeps back cannot be read"}
			}
			w.state(e, open)
			w.here[e.Seq] = true
		}
		return nil
	}
	if e.Kind != Published {
		return nil
	}
	var u Unveiling
	var open Body
	if err := json.Unmarshal(b.Data, &u); err != nil || json.Unmarshal([]byte(u.Content), &open) != nil {
		return &Broken{e.Seq, "what it publishes cannot be read"}
	}
	switch commitment, ok := w.kept[u.Entry]; {
	case !ok:
		return &Broken{e.Seq, fmt.Sprintf("entry %d, which it publishes, keeps nothing back", u.Entry)}
	case commitment != hashOf([]byte(u.Salt+u.Content)):
		return &Broken{e.Seq, fmt.Sprintf("what it publishes is not what entry %d keeps back", u.Entry)}
	case open.Subject != b.Subject || sha256.Sum256(open.State) != sha256.Sum256(b.State):
		return &Broken{e.Seq, "it says something else than what it publishes"}
	}
	delete(w.kept, u.Entry)
	return nil
}

// lost is the first entry whose rest is gone before it was published.
func (w *walker) lost() (first int64) {
	for seq := range w.kept {
		if !w.here[seq] && (first == 0 || seq < first) {
			first = seq
		}
	}
	return first
}
