package record

import (
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/kit/fault"
)

// CheckInclusion refuses a proof that does not lead from its entry to the root that a checkpoint signs. It
// needs nothing but its arguments: that key is the co-op's is for the caller to know.
func CheckInclusion(p Inclusion, checkpoint, key string) error {
	wrong := func(what string) error { return fault.New(fault.Invalid, "The proof from the record fails: %s.", what) }
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return wrong("the key of the checkpoints cannot be read")
	}
	signed, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil {
		return wrong("the checkpoint is not signed by the key")
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 3 {
		return wrong("the checkpoint cannot be read")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size != p.Size || p.Seq < 1 || p.Seq > size {
		return wrong("the checkpoint is of a log of another size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return wrong("the checkpoint's root cannot be read")
	}
	path := make(tlog.RecordProof, len(p.Path))
	for i, h := range p.Path {
		if path[i], err = tlog.ParseHash(h); err != nil {
			return wrong("its path cannot be read")
		}
	}
	if err := tlog.CheckRecord(path, size, root, p.Seq-1, tlog.RecordHash([]byte(p.Leaf))); err != nil {
		return wrong("the entry is not in the log that was signed")
	}
	return nil
}
