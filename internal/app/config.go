package app

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"rochdale/internal/kit/config"
)

// Config is everything the operator can set. Built-in defaults come first, then the file named by
// --config, then ROCHDALE_* variables, then flags; an unknown key in the file is an error.
type Config struct {
	Listen          string   `name:"listen" env:"ROCHDALE_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Where to listen for requests."`
	Data            string   `name:"data" env:"ROCHDALE_DATA" default:"./data" placeholder:"FOLDER" help:"Folder for everything that must be kept."`
	Host            string   `name:"host" env:"ROCHDALE_HOST" default:"localhost:8080" placeholder:"NAME" help:"Public name of the co-op, the part of addresses after the @. It can never be changed once others know it."`
	URL             string   `name:"url" env:"ROCHDALE_URL" placeholder:"URL" help:"Public address; https://HOST unless HOST is localhost."`
	Database        string   `name:"database" env:"ROCHDALE_DATABASE" placeholder:"ADDRESS" help:"postgres://... for PostgreSQL; SQLite in the data folder if empty."`
	TrustedProxies  []string `name:"trusted-proxies" env:"ROCHDALE_TRUSTED_PROXIES" placeholder:"NETWORK" help:"Networks whose X-Forwarded-For is believed, such as 127.0.0.1/32."`
	OperatorListen  string   `name:"operator-listen" env:"ROCHDALE_OPERATOR_LISTEN" placeholder:"ADDRESS" help:"Where to serve metrics and profiles, for the operator only; off if empty."`
	PrivateNetworks bool     `name:"allow-private-networks" env:"ROCHDALE_ALLOW_PRIVATE_NETWORKS" help:"Let the server make requests to private addresses. For tests and labs only."`
	RateLimits      bool     `name:"rate-limits" env:"ROCHDALE_RATE_LIMITS" default:"true" negatable:"" help:"Limit how many requests one address or account may make."`
	SMTPURL         string   `name:"smtp-url" env:"ROCHDALE_SMTP_URL" placeholder:"URL" help:"Mail server, smtp://name:password@host:587/?from=coop@example.org; mails are written into the data folder if empty."`
	Blobs           string   `name:"blobs" env:"ROCHDALE_BLOBS" placeholder:"WHERE" help:"Where pictures are kept: a folder or s3://KEY:SECRET@host/bucket; media in the data folder if empty."`
	TLS             bool     `name:"tls" env:"ROCHDALE_TLS" help:"Get and renew certificates by itself; listen on :443 for this."`
	LogFormat       string   `name:"log" env:"ROCHDALE_LOG" default:"text" enum:"text,json" help:"Form of the log lines: text or json."`

	// At lets a test or a demo live at another time; nothing a running co-op should set.
	At string `name:"at" env:"ROCHDALE_AT" hidden:"" help:"Start the clock at this time (RFC 3339)."`
}

// settle fills in what follows from other settings and refuses what cannot be right.
func (c *Config) settle() error {
	c.Host = strings.ToLower(strings.TrimSuffix(c.Host, "/"))
	if c.Host == "" || strings.ContainsAny(c.Host, "/@ ") {
		return fmt.Errorf("host %q is not a name such as social.example", c.Host)
	}
	if c.URL == "" {
		c.URL = "https://" + c.Host
		if name, _, _ := strings.Cut(c.Host, ":"); name == "localhost" || name == "127.0.0.1" {
			c.URL = "http://" + c.Host
		}
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" {
		return fmt.Errorf("url %q is not an address such as https://social.example", c.URL)
	}
	if c.Database == "" {
		c.Database = filepath.Join(c.Data, "rochdale.db")
	}
	if c.Blobs == "" {
		c.Blobs = filepath.Join(c.Data, "media")
	}
	_, err := c.proxies()
	return err
}

func (c *Config) proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range c.TrustedProxies {
		s = strings.TrimSpace(s)
		if a, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("trusted proxy %q is not a network such as 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}

func (c *Config) site() config.Site { return config.Site{Host: c.Host, URL: c.URL} }

// tomlFile reads a configuration file: kong asks it for each flag.
func tomlFile(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if _, err := toml.NewDecoder(r).Decode(&values); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return &fileResolver{values}, nil
}

type fileResolver struct{ values map[string]any }

// Validate implements kong.Resolver: a key that nobody knows is a mistake, not a wish.
func (f *fileResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, flag := range app.Flags {
		known[key(flag)] = true
	}
	var errs []error
	for k := range f.values {
		if !known[k] {
			errs = append(errs, fmt.Errorf("the configuration file has an unknown key %q", k))
		}
	}
	return errors.Join(errs...)
}

// Resolve implements kong.Resolver. A variable of the environment goes before the file.
func (f *fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	v, ok := f.values[key(flag)]
	if !ok {
		return nil, nil
	}
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, p := range list {
			parts[i] = fmt.Sprint(p)
		}
		return strings.Join(parts, ","), nil
	}
	return v, nil
}

// key is a flag's name in the file: underscores, as TOML writers expect.
func key(f *kong.Flag) string { return strings.ReplaceAll(f.Name, "-", "_") }
