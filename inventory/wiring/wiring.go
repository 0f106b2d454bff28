// Package wiring reads what the settings of programs say of other machines: the routes
// of proxies, the records of name servers, the URLs that containers are given. Text
// goes in, typed facts come out; no value leaves it but scheme, host, port and the name
// of a database, so that no secret does.
//
// What a reader does not understand it says: a route of which a part was not read is
// never told as if it were whole.
package wiring

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// An Endpoint is where a setting points.
type Endpoint struct {
	Scheme   string `json:",omitzero"`
	Host     string // name or address, lower case; "" is whoever holds the setting
	Port     int    `json:",omitzero"` // 0: the scheme's
	Database string `json:",omitzero"`

	Container string `json:",omitzero"` // the container that holds the setting, where it speaks of itself
}

// String writes it as a URL without anything else.
func (e Endpoint) String() string {
	out := e.Host
	if strings.Contains(out, ":") {
		out = "[" + out + "]"
	}
	if e.Scheme != "" {
		out = e.Scheme + "://" + out
	}
	if e.Port > 0 {
		out += ":" + strconv.Itoa(e.Port)
	}
	if e.Database != "" {
		out += "/" + e.Database
	}
	return out
}

// DefaultPort is the port that is meant, 0 when that is not known.
func (e Endpoint) DefaultPort() int {
	if e.Port > 0 {
		return e.Port
	}
	return ports[e.Scheme]
}

var ports = map[string]int{
	"http": 80, "https": 443, "ws": 80, "wss": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "rediss": 6379,
	"amqp": 5672, "mongodb": 27017, "mqtt": 1883, "nats": 4222, "ldap": 389, "ldaps": 636, "smtp": 25, "smtps": 465, "h2c": 80, "tcp": 0,
}

// A Call is a setting that names something else.
type Call struct {
	Setting string // DATABASE_URL
	To      Endpoint
	Sure    bool // it is a URL or a pair of settings, and no word that may be anything
}

// A Route is how a proxy passes requests on.
type Route struct {
	Proxy   string     // traefik, nginx, caddy, cloudflared
	Name    string     // of the router or server
	Hosts   []string   // names of requests, lower case; *.example.net too
	Paths   []string   // beginnings of paths; none is every path
	TLS     bool       // by what is written; the entry may add it
	Entries []string   // entry points that it is bound to, as named
	Ports   []int      // on which it listens, where it says so
	To      []Endpoint // where requests go
	Auth    []Endpoint // who is asked whether somebody may
	Cert    string     // file with the certificate
	Place   string     // label of a container, or file:line
	Unread  string     // what was not understood; "" when everything was
	Exact   bool       `json:",omitzero"` // its paths are whole ones
	Wider   bool       `json:",omitzero"` // it may take requests for other names too
	Own     bool       `json:",omitzero"` // it is answered by the proxy itself
	Rank    int        `json:",omitzero"` // of Traefik: of two that take a request the higher one has it
	Narrow  bool       `json:",omitzero"` // it takes only some of those requests, by their headers or the like
	Named   bool       `json:",omitzero"` // it asks under the name of the request
	By      string     `json:",omitzero"` // container of the proxy; "" is the host itself, or whoever is the host's Traefik
}

// A Record is a name that a name server, or a file of hosts, gives an answer for.
type Record struct {
	Name  string // lower case
	Type  string // A, AAAA or CNAME; "" says that what is above does not count from here on
	Value string
	Place string
	Weak  bool `json:",omitzero"` // it counts where there is no other one of its type
}

// Zone is what the files of a name server say.
type Zone struct {
	Program  string // dnsmasq, pihole, adguard, unbound; hosts is a file that no server reads
	Records  []Record
	Forwards []string  // servers that it asks for every name; with # or @ and port as written
	Includes []Include `json:",omitzero"`
	By       string    `json:",omitzero"` // container of the name server; "" is the host itself
}

// An Include is a file, or a pattern of files, that a name server reads beside.
type Include struct{ Program, Pattern string }

// Share is a folder of another machine.
type Share struct {
	Point, Server, Path, Type string
}

var (
	hostName   = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$`)
	nameOfBase = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// host reads a name or address, "" when it is neither.
func host(s string) string {
	s = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "."))
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && ip.Zone() == "" {
		return ip.Unmap().String()
	}
	if !hostName.MatchString(s) || digits(s) {
		return ""
	}
	return s
}

func digits(s string) bool { return strings.Trim(s, "0123456789.") == "" }

func port(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 {
		return 0
	}
	return n
}

// IsIP reports whether a host is an address.
func IsIP(h string) bool {
	_, err := netip.ParseAddr(h)
	return err == nil
}

func at(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }
