package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Log writes each message as a file "TIME-RANDOM.eml" instead of sending it. The files hold links that let their reader into an account, so only the
// account that runs the server may read them.
type Log struct {
	sender
	folder string
}

// OpenLog makes the folder if it is not there.
func OpenLog(o Options) (*Log, error) {
	s, err := newSender(o.From, o.Clock)
	if err != nil {
		return nil, fmt.Errorf("open mail folder: %w", err)
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("open mail folder: %w", err)
	}
	return &Log{s, o.Folder}, nil
}

// Send implements Mailer. The file appears whole.
func (l *Log) Send(ctx context.Context, m Message) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	msg, err := l.compose(m)
	if err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	name := filepath.Join(l.folder, l.clock.Now().UTC().Format("20060102T150405.000Z")+"-"+rand.Text()[:8]+".eml")
	tmp := name + ".part"
	file, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	_, err = msg.WriteTo(file)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		return fmt.Errorf("write mail: %w", errors.Join(err, os.Remove(tmp)))
	}
	return nil
}
