package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The client writes finished bytes on kept connections: it shares the machine with the program it
// measures, so what it costs itself must be little.

type result struct {
	name     string
	n        int
	bad      atomic.Int64
	took     time.Duration
	latency  []time.Duration
	cpuPerOp time.Duration
}

func (r *result) rate() float64 { return float64(r.n) / r.took.Seconds() }

func (r *result) at(q float64) time.Duration {
	return r.latency[min(len(r.latency)-1, int(q*float64(len(r.latency))))].Round(10 * time.Microsecond)
}

func (r *result) String() string {
	return fmt.Sprintf("%-34s %9.0f/s  p50 %-8v p99 %-8v max %-8v  CPU %v each, failed %d", r.name, r.rate(), r.at(.5), r.at(.99), r.latency[len(r.latency)-1].Round(10*time.Microsecond), r.cpuPerOp.Round(time.Microsecond), r.bad.Load())
}

// load sends n requests over c connections; request gives the bytes of the i-th.
func (s *server) load(name string, n, c int, request func(i int) []byte) (*result, error) {
	r := &result{name: name, n: n, latency: make([]time.Duration, n)}
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, c)
	done := s.record(name)
	cpu, begin := s.cpu(), time.Now()
	for range c {
		wg.Go(func() {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				errs <- err
				return
			}
			defer func() { _ = conn.Close() }()
			br := bufio.NewReaderSize(conn, 64<<10)
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				t := time.Now()
				if _, err := conn.Write(request(i)); err != nil {
					errs <- err
					return
				}
				resp, err := http.ReadResponse(br, nil)
				if err != nil {
					errs <- err
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode >= 300 {
					r.bad.Add(1)
				}
				r.latency[i] = time.Since(t)
			}
		})
	}
	wg.Wait()
	r.took, r.cpuPerOp = time.Since(begin), (s.cpu()-cpu)/time.Duration(n)
	done()
	select {
	case err := <-errs:
		return nil, fmt.Errorf("%s: %w", name, err)
	default:
	}
	slices.Sort(r.latency)
	return r, nil
}

func (s *server) get(path, token, accept string) []byte {
	head := "GET " + path + " HTTP/1.1\r\nHost: " + s.addr + "\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	if accept != "" {
		head += "Accept: " + accept + "\r\n"
	}
	return []byte(head + "\r\n")
}

func (s *server) post(path, token, contentType, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, s.addr, token, contentType, len(body), body)
}

// settle waits until the program has done what it had in hand: under 3 % of a core for a second.
func (s *server) settle() time.Duration {
	begin := time.Now()
	for time.Since(begin) < 2*time.Minute {
		before := s.cpu()
		time.Sleep(time.Second)
		if s.cpu()-before <= 30*time.Millisecond {
			return time.Since(begin) - time.Second
		}
	}
	return time.Since(begin)
}
