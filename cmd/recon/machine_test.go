package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"
)

// A machineSpec describes a host in the words of a compose file. It stands in for one
// where a test is about how a home hangs together, and not about how a host is read.
type machineSpec struct {
	Guest      string
	Addresses  []string
	Resolvers  []string
	Fstab      string
	Listen     []int
	Files      map[string]string
	Containers map[string]containerSpec
	Tries      map[string]string // what comes of a try: "port 10.0.0.9:80": refused
}

type containerSpec struct {
	Image, Command, State, Project, Restart string
	Networks                                []string
	Ports                                   []string // 8080:80
	Expose                                  []int
	Environment, Labels                     map[string]string
	Volumes                                 []string // /host:/inside
	Needs                                   []string
	Mode                                    string `yaml:"network_mode"`
	Listen                                  []int  // in its own network; none is not seen
}

// cmdMachine writes the recording of a host that NAME.yaml describes, and its host block.
func cmdMachine(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		var m machineSpec
		ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(name+".yaml")), &m))
		ts.Check(os.WriteFile(ts.MkAbs(name+".json"), m.recording(), 0o644))
		block := fmt.Sprintf("host %q {\n  recording = %q\n", name, name+".json")
		if m.Guest != "" {
			block += "  guest     = " + m.Guest + "\n"
		}
		ts.Check(os.WriteFile(ts.MkAbs(name+".recon.hcl"), []byte(block+"}\n"), 0o644))
	}
}

// recording is what such a host answers.
func (m *machineSpec) recording() []byte {
	commands := map[string]string{"look at the Docker daemon": m.probe(), "look at the containers": m.inside(), "read what proxies and name servers are told": m.files(), "try what no table says": m.tried()}
	answers := map[string]any{"/info": map[string]any{"ServerVersion": "28.0.0", "Driver": "overlay2"}}
	list := []any{}
	for i, name := range slices.Sorted(maps.Keys(m.Containers)) {
		c := m.Containers[name]
		id := fmt.Sprintf("%064x", i+1)
		state := c.State
		if state == "" {
			state = "running"
		}
		list = append(list, map[string]any{"Id": id, "Names": []string{"/" + name}, "Image": c.Image, "State": state, "Labels": c.labels(name)})
		answers["/containers/"+id+"/json"] = c.inspected(id, name, state, m.pid(name))
	}
	answers["/containers/json"] = list
	b, err := json.MarshalIndent(map[string]any{"commands": commands, "sockets": map[string]any{"/var/run/docker.sock": answers}}, "", " ")
	if err != nil {
		panic(err)
	}
	return b
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func (m *machineSpec) probe() string {
	var b strings.Builder
	resolv := ""
	for _, r := range m.Resolvers {
		resolv += "nameserver " + r + "\n"
	}
	fmt.Fprintf(&b, "uid 0\nnow 1795516144.3\nuptime 17502.70\nhz 100\ninit systemd\nmounts %s\nfstab %s\ntcp %s\naddresses %s\nresolv %s\n",
		encoded("27 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"), encoded(m.Fstab), encoded(sockets(m.Listen)), encoded(strings.Join(m.Addresses, " ")), encoded(resolv))
	file := "file " + encoded("/etc/docker/daemon.json") + "\nreal " + encoded("/etc/docker/daemon.json") + "\n"
	if m.Containers != nil {
		b.WriteString("cli yes\ndaemon 700\nexe " + encoded("/usr/sbin/dockerd") + "\ncmdline " + encoded("dockerd\x00") + "\nowner 0\n" + file)
	}
	b.WriteString("daemon 0\n" + file + "end yes\n")
	return b.String()
}

// sockets are what listens, as proc_net(5) has it.
func sockets(ports []int) string {
	out := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	for i, p := range ports {
		out += fmt.Sprintf("   %d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n", i, p, 1000+i)
	}
	return out
}

// pid is the process of a container into which the recording can look.
func (m *machineSpec) pid(name string) int {
	if c := m.Containers[name]; c.State != "" && c.State != "running" || c.Listen == nil {
		return 0
	}
	return 2000 + slices.Index(slices.Sorted(maps.Keys(m.Containers)), name)
}

func (m *machineSpec) inside() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.Containers)) {
		if pid := m.pid(name); pid > 0 {
			fmt.Fprintf(&b, "@1@ file /proc/%d/net/tcp\n%s", pid, sockets(m.Containers[name].Listen))
		}
	}
	return b.String() + "@1@ end yes\n"
}

func (m *machineSpec) tried() string {
	var b strings.Builder
	for _, try := range slices.Sorted(maps.Keys(m.Tries)) {
		fmt.Fprintf(&b, "%s %s\n", try, m.Tries[try])
	}
	return b.String() + "end\n"
}

func (m *machineSpec) files() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		fmt.Fprintf(&b, "file %s %s\n", encoded(name), encoded(m.Files[name]))
	}
	return b.String() + "end\n"
}

func (c containerSpec) labels(name string) map[string]string {
	out := map[string]string{"com.docker.compose.service": name, "com.docker.compose.project": c.Project, "com.docker.compose.project.config_files": "/opt/compose.yaml"}
	if len(c.Needs) > 0 {
		var needs []string
		for _, n := range c.Needs {
			needs = append(needs, n+":service_started:false")
		}
		out["com.docker.compose.depends_on"] = strings.Join(needs, ",")
	}
	maps.Copy(out, c.Labels)
	return out
}

func (c containerSpec) inspected(id, name, state string, pid int) any {
	env, networks, exposed, bindings, mounts := []string{}, map[string]any{}, map[string]any{}, map[string]any{}, []any{}
	for _, k := range slices.Sorted(maps.Keys(c.Environment)) {
		env = append(env, k+"="+c.Environment[k])
	}
	for _, n := range c.Networks {
		networks[n] = map[string]any{"Aliases": []string{name}}
	}
	for _, p := range c.Expose {
		exposed[fmt.Sprintf("%d/tcp", p)] = map[string]any{}
	}
	for _, p := range c.Ports {
		outer, inner, _ := strings.Cut(p, ":")
		if !strings.Contains(inner, "/") {
			inner += "/tcp"
		}
		bindings[inner] = []any{map[string]string{"HostIp": "", "HostPort": outer}}
		exposed[inner] = map[string]any{}
	}
	for _, v := range c.Volumes {
		source, target, _ := strings.Cut(v, ":")
		mounts = append(mounts, map[string]any{"Type": "bind", "Source": source, "Destination": target, "RW": true})
	}
	mode := c.Mode
	if mode == "" && len(c.Networks) > 0 {
		mode = c.Networks[0]
	}
	restart := c.Restart
	if restart == "" {
		restart = "unless-stopped"
	}
	return map[string]any{
		"Id": id, "Name": "/" + name, "Created": "2026-11-24T10:28:22Z", "State": map[string]any{"Status": state, "Running": state == "running", "Pid": pid, "StartedAt": "2026-11-24T10:28:22Z"},
		"Config":     map[string]any{"Image": c.Image, "Env": env, "Labels": c.labels(name), "Cmd": strings.Fields(c.Command), "ExposedPorts": exposed},
		"HostConfig": map[string]any{"NetworkMode": mode, "PortBindings": bindings, "RestartPolicy": map[string]any{"Name": restart}},
		"Mounts":     mounts, "NetworkSettings": map[string]any{"Networks": networks},
	}
}
