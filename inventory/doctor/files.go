package doctor

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A File is something that a file of the repository says.
type File struct {
	Path     string
	Line     int // where the compose text begins, for embedded ones; 0 for a whole file
	Kind     string
	Host     Where
	Project  string // files of one project are run together, or in place of each other
	Library  bool   // other files extend its services; by itself it runs nothing
	Services []ComposeService
	External []string // networks that the file expects to exist
	Networks []string // networks that the file makes
	Joins    []string // networks, of a name that is the machine's and not the project's, that its services join
	Leans    []string // containers in whose network or volumes its services live
	Writes   []Write  // other files of a host that it writes
	Refused  []Refusal
}

// Where is the host of a file, as far as the repository tells.
type Where struct {
	Name    string // "" without one
	Unknown bool   // the repository knows several, and does not tell which
	Told    bool   // somebody says so: a manifest, an inventory, a folder of machines; not only the shape of the tree
}

// Meets reports whether two files are of one host. One whose host is not known may be
// of another, so they do not meet.
func (w Where) Meets(o Where) bool { return !w.Unknown && !o.Unknown && w.Name == o.Name }

// Meets reports whether two files are of one host, as far as the repository tells and as
// the folders do that they mount.
func (f *File) Meets(o *File) bool {
	a, b := f.appliance(), o.appliance()
	return f.Host.Meets(o.Host) && (a == b || a == "" || b == "")
}

// Folders in which machines keep data: some only one kind of machine has.
var (
	appliances = map[string]string{"volume1": "Synology", "volume2": "Synology", "mnt/user": "Unraid"}
	dataHomes  = []string{"mnt", "srv", "opt", "home", "data"}
)

// appliance is what kind of machine a file is for, by the data that it mounts; "" where it
// mounts none.
func (f *File) appliance() (kind string) {
	for i := range f.Services {
		for _, b := range f.Services[i].Binds {
			parts := strings.SplitN(b.Source, "/", 4)
			if len(parts) < 3 || parts[0] != "" {
				continue
			}
			for _, folder := range []string{parts[1], parts[1] + "/" + parts[2]} {
				if appliances[folder] != "" {
					return appliances[folder]
				}
			}
			if slices.Contains(dataHomes, parts[1]) {
				kind = "any"
			}
		}
	}
	return kind
}

// An Unread is a file that could not be read, or a service of it that could not be
// understood: about them nothing was found, and nothing is known.
type Unread struct {
	File    string
	Service string
	Line    int
	Why     string
}

// String says what could not be read, and why.
func (u Unread) String() string {
	what := u.File
	if u.Line > 0 {
		what = fmt.Sprintf("%s:%d", u.File, u.Line)
	}
	if u.Service != "" {
		what += ", service " + u.Service
	}
	return plain(what + ": " + u.Why)
}

// A Refusal is why Docker would not run a file.
type Refusal struct {
	Line  int
	Words string // the loader's, without values
}

// A Planned is a mount that a file of the repository names: a line of an fstab, a task.
type Planned struct {
	Point, Source string
	Place         string // file:line
}

// A Write is a place where a playbook or script writes a file of a host.
type Write struct {
	Target string // /etc/docker/daemon.json
	Line   int
	How    string   // ansible copy, shell redirection
	Hosts  []string // patterns of the hosts that it is for; nil when that is not written
	Keys   []string // of the content, as far as it can be read
	Opaque bool     // the content cannot be read from the file
}

// A ComposeService is a service of a compose file.
type ComposeService struct {
	Name        string
	Place       string // file:line, where it is written
	Container   string // container_name
	Image       string
	Built       bool // the image is made here
	Profiles    []string
	NetworkMode string
	Networks    []string
	Published   []Publish // ports of the host that lead into it
	Ignored     []string  // ports that are written and have no effect
	Ports       []int     // ports of the container: targets and expose
	Binds       []Bind
	Locals      []Local
	Secrets     []Secret
	Needs       []Need
	Update      string // whether an updater may replace it: true, false or ""
	Updates     string // it is an updater: of all containers, or of the labelled ones
	WantNetwork string
}

// What an updater replaces.
const (
	UpdatesAll      = "all"
	UpdatesLabelled = "labelled"
)

// A Secret is a value that should not stand where it stands. It is not kept.
type Secret struct {
	Name string // of the setting
	Line int    // of the service's file
	Why  string // what is known of the value without telling it
}

// A Need is a service that has to run before another one.
type Need struct {
	Service   string
	Condition string // of which it waits, as written
	Restart   bool   // it takes the other one along when it is made anew
}

// A Publish is one port of a host, or several in a row, that lead into a container.
type Publish struct {
	Address     string // "" for all of the host's
	Proto       string // tcp or udp
	First, Last int
	Inner       int // the port of the container that First leads to, 0 when it is not known
}

// Has reports a port among them, over TCP.
func (p Publish) Has(port int) bool { return p.Proto == "tcp" && p.First <= port && port <= p.Last }

// Meets returns the first port that two have in common.
func (p Publish) Meets(o Publish) (port int, meet bool) {
	port = max(p.First, o.First)
	return port, p.Proto == o.Proto && port <= min(p.Last, o.Last) && sameAddress(p.Address, o.Address)
}

// sameAddress reports whether two programs that listen on these get in each other's
// way. No address is every one; 0.0.0.0 and :: are all of their own family.
func sameAddress(a, b string) bool {
	if a == "" || b == "" || a == b {
		return true
	}
	x, errX := netip.ParseAddr(strings.Trim(a, "[]"))
	y, errY := netip.ParseAddr(strings.Trim(b, "[]"))
	return errX == nil && errY == nil && x.Is4() == y.Is4() && (x == y || x.IsUnspecified() || y.IsUnspecified())
}

// String writes it the way ports: does.
func (p Publish) String() string {
	s := fmt.Sprint(p.First)
	if p.Last != p.First {
		s += fmt.Sprintf("-%d", p.Last)
	}
	if p.Address != "" {
		s = p.Address + ":" + s
	}
	if cmp.Or(p.Proto, "tcp") != "tcp" {
		s += "/" + p.Proto
	}
	return s
}

func publishes(list []Publish, port int) bool {
	return slices.ContainsFunc(list, func(p Publish) bool { return p.Has(port) })
}

// At writes a line of the file the way compilers do; 0 is where its text begins.
func (f *File) At(line int) string {
	if line = cmp.Or(line, f.Line); line == 0 {
		return f.Path
	}
	return fmt.Sprintf("%s:%d", f.Path, line)
}

// Place reads an address that is a line of a file, or a file.
func Place(address string) (file string, line int, ok bool) {
	if i := strings.LastIndexByte(address, ':'); i > 0 {
		if n, err := strconv.Atoi(address[i+1:]); err == nil && n > 0 {
			return address[:i], n, true
		}
	}
	return address, 0, strings.ContainsRune(path.Base(address), '.') && !strings.HasPrefix(address, "host.") && !strings.ContainsRune(address, ' ') && slices.Contains(scanned, path.Ext(address))
}

// scanned are the endings of files that findings are about.
var scanned = []string{".yml", ".yaml", ".tf", ".sh", ".bash", ".j2", ".tftpl", ".tpl", ".cfg"}
