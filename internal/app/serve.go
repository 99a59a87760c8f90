package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/acme/autocert"
)

// Role says which part of the work a process does, where several share a database.
type Role string

// The roles. One process does everything unless the operator splits it.
const (
	Everything Role = "all"
	Web        Role = "web"
	Worker     Role = "worker"
)

// grace is how long a stop waits for requests and jobs in hand.
const grace = 20 * time.Second

// Serve runs the program until ctx ends, then finishes what is in hand. ready is told the address once
// requests are taken.
func (a *App) Serve(ctx context.Context, role Role, out io.Writer, ready func(net.Addr)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	handler, err := a.Handler()
	if err != nil {
		return err
	}
	var listener net.Listener
	if role != Worker {
		var lc net.ListenConfig
		if listener, err = lc.Listen(ctx, "tcp", a.Config.Listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if a.Config.TLS {
			listener = tls.NewListener(listener, a.certificates().TLSConfig())
		}
	}
	streams, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	errorLog := errorLog(a.Log, a.Clock)
	server := &http.Server{Handler: handler, ErrorLog: errorLog, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 3 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return streams }}

	var running sync.WaitGroup
	failed := make(chan error, 4)
	spawn := func(f func() error) {
		running.Go(func() {
			if err := f(); err != nil {
				failed <- err
				cancel()
			}
		})
	}
	spawn(func() error { a.Bus.Listen(ctx, a.Log); return nil })
	spawn(func() error { a.maintain(ctx); return nil })
	if a.Config.OperatorListen != "" {
		operator := &http.Server{Addr: a.Config.OperatorListen, Handler: a.metrics.operator(), ErrorLog: errorLog, ReadHeaderTimeout: 10 * time.Second}
		spawn(func() error { return unlessClosed(operator.ListenAndServe()) })
		spawn(func() error { <-ctx.Done(); return operator.Close() })
	}
	if role != Web {
		if err := a.Queue.Start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	// The federation surface also stores what arrives, so it runs in every role.
	if err := a.ActivityPub.Start(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if listener != nil {
		// A stop that comes while it starts is a stop like any other.
		if err := a.greet(ctx, out, listener.Addr()); err != nil && ctx.Err() == nil {
			return err
		}
		spawn(func() error { return unlessClosed(server.Serve(listener)) })
		if ready != nil {
			ready(listener.Addr())
		}
	}
	<-ctx.Done()

	stop, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer done()
	time.AfterFunc(time.Second, endStreams) // open streams would wait for ever; requests get a second first
	err = server.Shutdown(stop)
	if role != Web {
		err = errors.Join(err, a.Queue.Stop(stop))
	}
	err = errors.Join(err, a.ActivityPub.Stop(stop))
	running.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	return err
}

func unlessClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// greet says in one line where the co-op is, and how to found it if it is new.
func (a *App) greet(ctx context.Context, out io.Writer, at net.Addr) error {
	a.Log.InfoContext(ctx, "serving", "url", a.Config.URL, "listen", at.String(), "database", a.DB.Dialect().String(), "version", Version)
	code, err := a.Coop.FoundingCode(ctx)
	if err != nil || code == "" {
		return err
	}
	_, err = fmt.Fprintf(out, "There is no co-op here yet. Found it at %s/found with the code %s\n", a.Config.URL, code)
	return err
}

// maintain keeps the write-ahead log short and gives memory back.
func (a *App) maintain(ctx context.Context) {
	// Starting leaves garbage (migrations, the help texts) that would never be asked for again.
	time.AfterFunc(time.Second, debug.FreeOSMemory)
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := a.DB.Checkpoint(ctx); err != nil && ctx.Err() == nil {
				a.Log.WarnContext(ctx, "checkpoint database", "error", err.Error())
			}
		}
	}
}

func (a *App) certificates() *autocert.Manager {
	return &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(hostName(a.Config.Host)),
		Cache: autocert.DirCache(filepath.Join(a.Config.Data, "certificates"))}
}

// untilSignal is a context that ends when the operator stops the program.
func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}
