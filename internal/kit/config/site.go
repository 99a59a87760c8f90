// Package config holds what the operator sets: see app for the whole of it. Site is the part that
// features need to build addresses.
package config

// Site is how the co-op is reached from outside.
type Site struct {
	Host string // "social.example", the part of an address after the @
	URL  string // "https://social.example", without a slash at the end
}

// Join makes an absolute address of a path.
func (s Site) Join(path string) string { return s.URL + path }
