package outbound

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
)

// forbidden4 lists the IPv4 ranges that are not the public internet.
// spec: iana-ipv4-special-registry
var forbidden4 = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

// forbidden6 lists the exceptions inside 2000::/3; all outside is forbidden.
// spec: iana-ipv6-special-registry
var forbidden6 = prefixes("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")

var (
	global6 = netip.MustParsePrefix("2000::/3")
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4  = netip.MustParsePrefix("2002::/16")
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Public reports whether an address is on the public internet. An IPv4 address
// inside an IPv6 one counts as itself.
func Public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return !contains(forbidden4, addr)
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr): // spec: rfc6052#2.2
		return Public(netip.AddrFrom4([4]byte(b[12:16])))
	case sixTo4.Contains(addr): // spec: rfc3056#2
		return Public(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return global6.Contains(addr) && !contains(forbidden6, addr)
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range list {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// control is called by the dialer with the address it is about to connect to.
func control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !Public(ap.Addr()) {
		return fmt.Errorf("%w: %s", ErrForbiddenAddress, address)
	}
	return nil
}

// checkURL refuses what should not even be resolved. Low ports other than the
// web's belong to services that must not be made to listen to us.
func (c *Client) checkURL(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("%w: %s", ErrForbiddenAddress, u.Redacted())
	}
	if c.options.AllowPrivate || u.Port() == "" {
		return nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port < 1024 && port != 80 && port != 443 {
		return fmt.Errorf("%w: port %s", ErrForbiddenAddress, u.Port())
	}
	return nil
}
