// Package tlsfront puts https in front of servers on this machine, as a reverse proxy does in
// production: it makes a certificate authority that lives as long as a test, and passes each host
// name on to the plain HTTP server behind it.
package tlsfront

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// quiet takes what is said about clients that hung up.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)

// Front is a running proxy.
type Front struct {
	// CAFile holds the authority's certificate in PEM, for SSL_CERT_FILE and NODE_EXTRA_CA_CERTS.
	CAFile string
	// CA is the same, for clients of the test itself.
	CA *x509.CertPool

	ca       *x509.Certificate
	key      *ecdsa.PrivateKey
	server   *http.Server
	mu       sync.Mutex
	backends map[string]http.Handler
	certs    map[string]*tls.Certificate
	done     chan error
}

// Start listens on address (":443" of a loopback address, for names without a port) and keeps its
// files in dir.
func Start(address, dir string) (*Front, error) {
	f := &Front{CAFile: filepath.Join(dir, "ca.pem"), CA: x509.NewCertPool(), backends: map[string]http.Handler{},
		certs: map[string]*tls.Certificate{}, done: make(chan error, 1)}
	if err := f.makeAuthority(); err != nil {
		return nil, fmt.Errorf("make certificate authority: %w", err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("start tls front: %w", err)
	}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet,
		TLSConfig: &tls.Config{GetCertificate: f.certificate, MinVersion: tls.VersionTLS12}}
	go func() { f.done <- f.server.ServeTLS(l, "", "") }()
	return f, nil
}

// Pass sends requests for a host name to the server at a local address.
func (f *Front) Pass(name, backend string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	target := &url.URL{Scheme: "http", Host: backend}
	f.backends[name] = &httputil.ReverseProxy{ErrorLog: quiet, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host // the signatures are over the public name
	}}
}

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	h := f.backends[r.Host]
	f.mu.Unlock()
	if h == nil {
		http.Error(w, "no such host", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(w, r)
}

// Close stops the front.
func (f *Front) Close() error {
	err := f.server.Close()
	if e := <-f.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func (f *Front) makeAuthority() (err error) {
	if f.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Rochdale test authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &f.key.PublicKey, f.key)
	if err != nil {
		return err
	}
	if f.ca, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	f.CA.AddCert(f.ca)
	return os.WriteFile(f.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// certificate makes the certificate of a name when it is first asked for.
func (f *Front) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.backends[hello.ServerName] == nil {
		return nil, fmt.Errorf("no such host %q", hello.ServerName)
	}
	if c := f.certs[hello.ServerName]; c != nil {
		return c, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: hello.ServerName},
		DNSNames: []string{hello.ServerName}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, f.ca, &key.PublicKey, f.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der, f.ca.Raw}, PrivateKey: key}
	f.certs[hello.ServerName] = c
	return c, nil
}
