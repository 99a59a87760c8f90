package coopapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

const tagRecord = "The public record"

func declareRecord(s *Service) {
	add(s, operation{id: "listRecord", method: http.MethodGet, path: "/record", tag: tagRecord, summary: "The public record",
		about: "Everything that needed authority, from the founding on; the newest first. Personal data is not part of it: an entry holds a salted hash of what was said in private."}, s.listRecord)
	add(s, operation{id: "getEntry", method: http.MethodGet, path: "/record/{seq}", tag: tagRecord, summary: "One entry",
		about: "The hash is that of the leaf, whose bytes are: \"rochdale record v1\", the number, the time in milliseconds since 1970, the kind, the hash of the entry before and the body as text, with a line feed after each but the last."}, s.getEntry)
	add(s, operation{id: "getCheckpoint", method: http.MethodGet, path: "/record/checkpoint", tag: tagRecord, summary: "The latest signed checkpoint",
		about: "Who asks for text/plain gets the signed note itself, in the format of golang.org/x/mod/sumdb/note. Whoever keeps one can prove later that nothing before it has changed."}, s.getCheckpoint)
	add(s, operation{id: "proveEntry", method: http.MethodGet, path: "/record/proof/{seq}", tag: tagRecord, summary: "The proof that an entry is in the record",
		about: "As RFC 6962 makes it: SHA-256 over a zero byte and the leaf, and over a one byte and two hashes; in base64."}, s.proveEntry)
	add(s, operation{id: "proveConsistency", method: http.MethodGet, path: "/record/consistency", tag: tagRecord, summary: "The proof that the record only grew",
		about: "That the record of one size is the beginning of that of another."}, s.proveConsistency)
}

// Entry is one entry of the public record.
type Entry struct {
	Seq       int64           `json:"seq" doc:"Its number, from 1."`
	At        time.Time       `json:"at"`
	Kind      string          `json:"kind" doc:"What happened: member.joined, act.member.admit, decision.counted."`
	Subject   string          `json:"subject,omitempty" doc:"What it is about, such as member:115."`
	Member    string          `json:"member,omitempty" doc:"Who did it, if a member did."`
	Via       string          `json:"via,omitempty" doc:"The door it came through: web, api, operator, federation, job."`
	Authority string          `json:"authority,omitempty" doc:"What permitted it, such as mandate:115."`
	Reason    string          `json:"reason,omitempty"`
	Data      json.RawMessage `json:"data,omitempty" doc:"Facts."`
	State     json.RawMessage `json:"state,omitempty" doc:"What the subject is afterwards; \"gone\" if it is no more."`
	Private   string          `json:"private,omitempty" doc:"The salted hash of personal data that lies outside."`
	Body      string          `json:"body" doc:"The text that is hashed."`
	Prev      string          `json:"prev" doc:"The hash of the entry before, in hexadecimal; empty for the first."`
	Hash      string          `json:"hash"`
}

func showEntry(e *record.Event) (Entry, error) {
	b, err := e.Read()
	return Entry{Seq: e.Seq, At: e.At.UTC(), Kind: e.Kind, Subject: b.Subject, Member: b.Member, Via: string(b.Via), Authority: b.Authority, Reason: b.Reason, Data: b.Data,
		State: b.State, Private: b.Private, Body: e.Body, Prev: e.Prev, Hash: e.Hash}, err
}

func (s *Service) listRecord(ctx context.Context, _ authz.Actor, in *struct {
	Kind      string    `query:"kind" maxLength:"100" doc:"Only entries whose kind begins like this: act., decision.counted."`
	Subject   string    `query:"subject" maxLength:"100" doc:"Only entries about this: member:115. Of a decision or a body it is all that belongs to it: of decision:115 also its votes and comments, as far as they are public, and what its effects changed."`
	Handle    string    `query:"body" maxLength:"60" doc:"Only what the body with this handle decided, what was done under its mandates, and what concerns it."`
	Member    string    `query:"member" maxLength:"100" doc:"Only what this member did: member:115."`
	Authority string    `query:"authority" maxLength:"100" doc:"Only what this permitted: mandate:115."`
	From      time.Time `query:"from" doc:"Only entries at or after this instant."`
	Until     time.Time `query:"until" doc:"Only entries before this instant."`
	Paging
}) (*Listed[Entry], error) {
	before, err := in.number()
	if err != nil {
		return nil, err
	}
	f := record.Filter{From: in.From, Until: in.Until, Before: before, Limit: in.Limit + 1}
	if in.Kind != "" {
		f.Kinds = []string{in.Kind}
	}
	if in.Handle != "" {
		b, err := s.bodyNamed(ctx, in.Handle)
		if err != nil {
			return nil, err
		}
		f.Within = ref.Ref{Kind: "body", ID: b.ID}
	}
	var subject ref.Ref
	for _, x := range []struct {
		name, text string
		to         *ref.Ref
	}{{"subject", in.Subject, &subject}, {"member", in.Member, &f.Member}, {"authority", in.Authority, &f.Authority}} {
		if *x.to = ref.Parse(x.text); x.text != "" && x.to.Kind == "" {
			return nil, fault.Field(x.name, "Write a kind and a number, such as %s:115.", x.name)
		}
	}
	f.About(subject)
	list, err := s.Record.Find(ctx, f)
	if err != nil {
		return nil, err
	}
	return pageOf(&in.Paging, list, func(e *record.Event) int64 { return e.Seq }, showEntry)
}

func (s *Service) getEntry(ctx context.Context, _ authz.Actor, in *struct {
	Seq int64 `path:"seq" minimum:"1" doc:"The number of the entry."`
}) (*Of[Entry], error) {
	e, err := s.Record.Get(ctx, in.Seq)
	if err != nil {
		return nil, err
	}
	out, err := showEntry(&e)
	return one(out), err
}

// Checkpoint is the size and root of the record at an instant, signed by the co-op.
type Checkpoint struct {
	Size int64     `json:"size" doc:"How many entries it covers."`
	Root string    `json:"root" doc:"The root of the tree of hashes, in base64."`
	At   time.Time `json:"at"`
	Note string    `json:"note" doc:"The signed note itself."`
	Key  string    `json:"key" doc:"The public key that it is verified with, in the text form of golang.org/x/mod/sumdb/note."`
}

// SignedNote is the answer with a checkpoint, as JSON or as the note itself.
type SignedNote struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        []byte
}

func (s *Service) getCheckpoint(ctx context.Context, _ authz.Actor, in *struct {
	Accept string `header:"Accept" hidden:"true"`
}) (*SignedNote, error) {
	c, err := s.Record.LatestCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	if wantsText(in.Accept) {
		return &SignedNote{"text/plain; charset=utf-8", []byte(c.Note)}, nil
	}
	key, err := s.Record.VerifierKey(ctx)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(Checkpoint{Size: c.Size, Root: c.Root, At: c.At.UTC(), Note: c.Note, Key: key})
	return &SignedNote{"application/json", b}, err
}

// wantsText reports whether a reader names text/plain before JSON.
func wantsText(accept string) bool {
	var types []string
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(part, ";")
		types = append(types, strings.TrimSpace(strings.ToLower(kind)))
	}
	text, asJSON := slices.Index(types, "text/plain"), slices.Index(types, "application/json")
	return text >= 0 && (asJSON < 0 || text < asJSON)
}

func (s *Service) proveEntry(ctx context.Context, _ authz.Actor, in *struct {
	Seq  int64 `path:"seq" minimum:"1" doc:"The number of the entry."`
	Size int64 `query:"size" minimum:"1" doc:"The size of the record in which it is; without it, that of the latest checkpoint which holds it."`
}) (*Of[Inclusion], error) {
	p, err := s.Record.Inclusion(ctx, in.Seq, in.Size)
	return one(Inclusion(p)), err
}

// Inclusion proves that an entry is in the record of a size.
type Inclusion struct {
	Seq      int64    `json:"seq"`
	Size     int64    `json:"size"`
	Leaf     string   `json:"leaf" doc:"The bytes that are hashed."`
	LeafHash string   `json:"leaf_hash"`
	Path     []string `json:"path" doc:"The hashes beside the way from the leaf to the root."`
	Root     string   `json:"root" doc:"As the checkpoint of that size has it."`
}

func (s *Service) proveConsistency(ctx context.Context, _ authz.Actor, in *struct {
	From int64 `query:"from" minimum:"1" required:"true" doc:"The smaller size."`
	To   int64 `query:"to" minimum:"1" required:"true" doc:"The larger size."`
}) (*Of[Consistency], error) {
	p, err := s.Record.Consistency(ctx, in.From, in.To)
	return one(Consistency(p)), err
}

// Consistency proves that the record of one size is the beginning of that of another.
type Consistency struct {
	From     int64    `json:"from"`
	To       int64    `json:"to"`
	FromRoot string   `json:"from_root"`
	ToRoot   string   `json:"to_root"`
	Path     []string `json:"path"`
}
