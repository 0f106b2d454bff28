package pvesim

import (
	"strconv"
	"strings"
	"time"
)

// stat is what a node's status daemon broadcasts of a guest.
type stat struct {
	name    string
	running bool
	maxmem  int64
	maxdisk int64
	cpus    any
	started time.Time
}

// report takes the statistics of a guest as the status daemon does every ten
// seconds.
func (m *machine) report() {
	m.stat = &stat{name: m.name(), running: m.Running, maxmem: m.maxMem(), maxdisk: m.maxDisk(), cpus: m.cpus(), started: m.started}
}

// daemon is the nodes' status daemons.
func (s *Server) daemon() {
	if s.opts.StatCycle < 0 {
		return
	}
	for s.sleep(s.opts.StatCycle) {
		s.reportAll()
	}
}

// reportAll is one round of the status daemons. A node that is down sends
// nothing, so the last state of its guests stays.
func (s *Server) reportAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.Unreported = false
	for _, n := range s.world.Nodes {
		if n.Online {
			s.reported[n.Name] = true
		}
	}
	for _, m := range s.guests {
		if n := s.world.node(m.Node); n != nil && n.Online {
			m.report()
		}
	}
}

// seen is the last report of a guest, or a fresh one when lists never lag.
func (s *Server) seen(m *machine) *stat {
	if s.opts.StatCycle < 0 {
		m.report()
	}
	return m.stat
}

func (m *machine) maxMem() int64 {
	mb := atoi(strings.TrimPrefix(m.Config["memory"], "current="))
	if mb == 0 {
		mb = 512
	}
	return int64(mb) << 20
}

func (m *machine) maxDisk() int64 {
	if m.Kind == "lxc" {
		_, opts := diskParts("lxc", "rootfs", m.Config["rootfs"])
		return sizeOr(opts["size"], 0)
	}
	for _, dev := range append(splitList(strings.TrimPrefix(m.Config["boot"], "order=")), "scsi0", "virtio0", "sata0", "ide0") {
		if _, opts := diskParts("qemu", dev, m.Config[dev]); opts != nil && opts["media"] != "cdrom" && opts["size"] != "" {
			return sizeOr(opts["size"], 0)
		}
	}
	return 0
}

// cpus is what lists show as the number of CPUs; a container's limit comes
// as the text it was written.
func (m *machine) cpus() any {
	if m.Kind == "lxc" {
		if n := atoi(m.Config["cores"]); n > 0 {
			return n
		}
		if l := m.Config["cpulimit"]; l != "" && l != "0" {
			return l
		}
		return 8
	}
	if n := atoi(m.Config["vcpus"]); n > 0 {
		return n
	}
	return max(atoi(m.Config["cores"]), 1) * max(atoi(m.Config["sockets"]), 1)
}

func (m *machine) uptime() int64 {
	if !m.Running {
		return 0
	}
	return int64(time.Since(m.started) / time.Second)
}

func (m *machine) mem() int64 {
	if !m.Running {
		return 0
	}
	return m.maxMem() / 2
}

func (m *machine) status() string {
	if m.Running {
		return "running"
	}
	return "stopped"
}

// common are the fields that a node's list and a guest's status share.
func (m *machine) common() obj {
	o := obj{
		"vmid": m.VMID, "status": m.status(), "name": m.name(), "cpu": 0, "cpus": m.cpus(), "mem": m.mem(), "maxmem": m.maxMem(),
		"disk": 0, "maxdisk": m.maxDisk(), "netin": 0, "netout": 0, "uptime": m.uptime(),
	}
	if v := m.Config["tags"]; v != "" {
		o["tags"] = v
	}
	if m.Lock != "" {
		o["lock"] = m.Lock
	}
	if m.Template {
		o["template"] = 1
	}
	if m.Running {
		o["pid"] = m.pid
		o["cpu"] = 0.01
	}
	if m.Kind == "lxc" {
		o["type"], o["swap"] = "lxc", 0
		o["maxswap"] = int64(atoi(m.Config["swap"])) << 20
		o["diskread"], o["diskwrite"] = 0, 0
	} else {
		o["memhost"] = m.mem()
	}
	return o
}

func (m *machine) listRow() obj { return m.common() }

// currentStatus is GET status/current.
func currentStatus(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	o := m.common()
	o["ha"] = c.s.haField(m)
	if m.Kind == "lxc" {
		if m.Running {
			pressure(o, "0.00")
			o["disk"] = m.maxDisk() / 4
		}
		return o, nil
	}
	o["qmpstatus"] = m.status()
	if m.Paused {
		o["qmpstatus"] = "paused"
	}
	if v := m.Config["agent"]; strings.HasPrefix(v, "1") || strings.Contains(v, "enabled=1") {
		o["agent"] = 1
	}
	if m.Running {
		o["nics"] = m.nics()
		if c.s.release >= "9" {
			pressure(o, 0)
		}
	}
	return o, nil
}

// pressure adds the pressure stall fields: numbers of a VM, text of a
// container.
func pressure(o obj, zero any) {
	for _, what := range []string{"cpu", "io", "memory"} {
		o["pressure"+what+"some"], o["pressure"+what+"full"] = zero, zero
	}
}

func (m *machine) nics() obj {
	o := obj{}
	for k := range m.Config {
		if i, ok := strings.CutPrefix(k, "net"); ok && m.opts.base(k) == "net" {
			o["tap"+itoa(m.VMID)+"i"+i] = obj{"netin": 0, "netout": 0}
		}
	}
	return o
}

func (s *Server) haField(m *machine) obj {
	r := s.world.ha(m.sid())
	if r == nil {
		return obj{"managed": 0}
	}
	return obj{"managed": 1, "state": orElse(r.State, "started")}
}

// guestRRD is a short history that ends now.
func guestRRD(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	return history(c.p["timeframe"], func() obj {
		return obj{
			"maxcpu": m.cpus(), "maxmem": m.maxMem(), "maxdisk": m.maxDisk(), "cpu": 0.01, "mem": m.mem(), "disk": 0,
			"netin": 0, "netout": 0, "diskread": 0, "diskwrite": 0,
		}
	}), nil
}

// history makes 70 points in the resolution of a time frame.
func history(frame string, point func() obj) []obj {
	step := map[string]int64{"hour": 60, "day": 1800, "week": 10800, "month": 43200, "year": 604800, "decade": 604800}[frame]
	end := time.Now().Unix() / step * step
	rows := []obj{}
	for i := int64(69); i >= 0; i-- {
		o := point()
		o["time"] = end - i*step
		rows = append(rows, o)
	}
	return rows
}

func rrdFile(c *call) (any, error) {
	return obj{"filename": "/var/lib/rrdcached/db/pve2-vm/" + c.uri["vmid"] + "_" + c.p["ds"] + "_" + c.p["timeframe"] + ".png"}, nil
}

// maxCPU is the number for /cluster/resources.
func maxCPU(v any) any {
	if s, ok := v.(string); ok {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0
		}
		return f
	}
	return v
}
