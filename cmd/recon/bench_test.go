package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/inventory"
	"recon/manifests"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"
)

// The benchmarks print each figure beside its bound, taken in the same run: what
// the number of calls and the requests in flight allow, or what the simulator
// itself takes. docs/performance.md has the figures of one machine.

// benchHome is a simulated cluster with a project that declares all of it.
func benchHome(b *testing.B, opts pvesim.Options) (dir string, sim *pvesim.Server) {
	b.Helper()
	opts.StatCycle, opts.AuthDelay, opts.AgentDelay = -1, -1, -1 // what Proxmox waits for a dead agent is its own
	sim, err := pvesim.New(opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { sim.Close() })
	dir = b.TempDir()
	b.Setenv("PVE_TOKEN", sim.Token())
	text := fmt.Sprintf("proxmox \"home\" {\n  endpoints   = [%q]\n  token       = env(\"PVE_TOKEN\")\n  fingerprint = %q\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n}\n", sim.Endpoint(), sim.Fingerprint())
	if err := os.WriteFile(filepath.Join(dir, "recon.hcl"), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	recon(b, dir, api.ExitOK, "import", "--all", "-q")
	return dir, sim
}

func recon(b *testing.B, dir string, want int, args ...string) {
	b.Helper()
	var out bytes.Buffer
	if code := run(context.Background(), append([]string{"-C", dir}, args...), bytes.NewReader(nil), &out, &out); code != want {
		b.Fatalf("recon %v exited with %d, not %d\n%s", args, code, want, &out)
	}
}

// binary builds recon once a benchmark: start-up and memory are those of the
// program that users run.
func binary(b *testing.B) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "recon")
	if out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return file
}

// measured runs the program and returns its time and its peak memory in MiB.
func measured(b *testing.B, want int, file string, args ...string) (time.Duration, float64) {
	b.Helper()
	cmd := exec.Command(file, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	peak := make(chan float64)
	done := make(chan struct{})
	go func() { peak <- watchMemory(cmd.Process.Pid, done) }()
	_ = cmd.Wait()
	took := time.Since(start)
	close(done)
	if code := cmd.ProcessState.ExitCode(); code != want {
		b.Fatalf("recon %v exited with %d, not %d\n%s", args, code, want, &out)
	}
	return took, <-peak
}

// watchMemory returns the highest memory of a process in MiB, as far as looking
// every few milliseconds shows it. (What wait4 tells includes the parent's.)
func watchMemory(pid int, done chan struct{}) float64 {
	peak := 0.0
	for {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, rest, ok := strings.Cut(string(b), "VmHWM:"); ok {
			var kib float64
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				peak = max(peak, kib/1024)
			}
		}
		select {
		case <-done:
			return peak
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// BenchmarkPlan1000 plans 1,000 guests on three nodes that take 2 ms to answer. The
// bound is what calls and in-flight limits allow; bare is what the same requests take a
// program that does nothing else, with as many at a time.
func BenchmarkPlan1000(b *testing.B) {
	const latency, inFlight, nodes = 2 * time.Millisecond, 2, 3
	world := pvesim.Generate(1000, 1)
	dir, sim := benchHome(b, pvesim.Options{World: world, Latency: latency, Workers: 3})
	file := binary(b)
	for b.Loop() {
		before := sim.Stats()
		took, peak := measured(b, api.ExitOK, file, "-C", dir, "plan")
		after := sim.Stats()
		calls := after.Total - before.Total
		bound := time.Duration(calls) * latency / (inFlight * nodes)
		bare := barePass(b, sim, world, inFlight)
		b.ReportMetric(float64(took.Milliseconds()), "wall-ms")
		b.ReportMetric(float64(bound.Milliseconds()), "bound-ms")
		b.ReportMetric(float64(took)/float64(bound), "x-bound")
		b.ReportMetric(float64(bare.Milliseconds()), "bare-ms")
		b.ReportMetric(float64(took)/float64(bare), "x-bare")
		b.ReportMetric(float64(calls), "calls")
		b.ReportMetric(float64(after.Connections-before.Connections), "connections")
		b.ReportMetric(peak, "peak-MiB")
	}
}

// barePass has a process of its own, as recon is one, ask for every guest's
// configuration, so many at a time on a node.
func barePass(b *testing.B, sim *pvesim.Server, world *pvesim.World, inFlight int) time.Duration {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	var paths strings.Builder
	for _, g := range world.Guests {
		fmt.Fprintf(&paths, "%s %s/%d\n", g.Node, g.Kind, g.VMID)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"bare-client", sim.Endpoint(), sim.Token(), fmt.Sprint(inFlight)}
	cmd.Stdin, cmd.Stderr = strings.NewReader(paths.String()), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	took, err := time.ParseDuration(string(out))
	if err != nil {
		b.Fatal(err)
	}
	return took
}

// bareClient is that process: bare-client ENDPOINT TOKEN IN-FLIGHT, with a line NODE
// KIND/VMID a guest. It prints how long it took.
func bareClient() {
	endpoint, token := os.Args[1], os.Args[2]
	inFlight, _ := strconv.Atoi(os.Args[3])
	queues := map[string]chan string{}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		node, guest, _ := strings.Cut(lines.Text(), " ")
		if queues[node] == nil {
			queues[node] = make(chan string, 1<<16)
		}
		queues[node] <- endpoint + "/api2/json/nodes/" + node + "/" + guest + "/pending"
	}
	start := time.Now()
	var wg sync.WaitGroup
	for _, queue := range queues {
		close(queue)
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		for range inFlight {
			wg.Go(func() {
				for url := range queue {
					bareRequest(client, url, token)
				}
			})
		}
	}
	wg.Wait()
	fmt.Print(time.Since(start))
}

func bareRequest(client *http.Client, url, token string) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "PVEAPIToken="+token)
	resp, err := client.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		panic(fmt.Sprint(url, ": ", resp.Status, " ", err))
	}
}

// BenchmarkPlan100 plans 100 guests on one node that answers at once. The bound is
// the same requests made with nothing else: what the simulator takes itself.
func BenchmarkPlan100(b *testing.B) {
	world := pvesim.Generate(100, 2)
	for _, g := range world.Guests {
		g.Node = "pve1"
	}
	dir, sim := benchHome(b, pvesim.Options{World: world})
	file := binary(b)
	for b.Loop() {
		took, _ := measured(b, api.ExitOK, file, "-C", dir, "plan")
		bare := bareRequests(b, sim, 104)
		b.ReportMetric(float64(took.Milliseconds()), "wall-ms")
		b.ReportMetric(float64(bare.Milliseconds()), "sim-ms")
		b.ReportMetric(float64((took - bare).Milliseconds()), "beyond-ms")
	}
}

// bareRequests is how long so many requests take a client that does nothing else.
func bareRequests(b *testing.B, sim *pvesim.Server, n int) time.Duration {
	b.Helper()
	user, err := newSimUser(sim, fmt.Sprintf("bench%d@pve", n))
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for range n {
		if _, err := user.do(context.Background(), "GET", "/nodes/pve1/qemu/100/pending", nil); err != nil {
			if _, err := user.do(context.Background(), "GET", "/nodes/pve1/lxc/100/pending", nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	return time.Since(start)
}

// BenchmarkDeadNode plans while one node of three cannot be reached and the
// cluster does not know it yet: the proxy takes its time to say so, here 100 ms. It
// may delay the plan by that, once.
func BenchmarkDeadNode(b *testing.B) {
	dir, sim := benchHome(b, pvesim.Options{World: pvesim.Generate(60, 3)})
	file := binary(b)
	for b.Loop() {
		alive, _ := measured(b, api.ExitOK, file, "-C", dir, "plan")
		for _, f := range []string{"error:595:No route to host@/nodes/pve2/*", "latency:pve2=100ms"} {
			if err := sim.AddFault(f); err != nil {
				b.Fatal(err)
			}
		}
		dead, _ := measured(b, api.ExitIncomplete, file, "-C", dir, "plan")
		sim.ClearFaults()
		b.ReportMetric(float64(alive.Milliseconds()), "alive-ms")
		b.ReportMetric(float64((dead - alive).Milliseconds()), "delay-ms")
		b.ReportMetric(100, "timeout-ms")
	}
}

// BenchmarkHome10000 loads, compares and prints 10,000 guests that are observed
// already.
func BenchmarkHome10000(b *testing.B) {
	text, snap := manyGuests(10_000)
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "recon.hcl"), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		runtime.GC()
		start := time.Now()
		p, diags := manifests.Load(os.DirFS(dir), manifests.Options{Env: func(string) (string, bool) { return "a@b!c=d", true }})
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		loaded := time.Since(start)
		changes := reconcile.Diff(reconcile.Input{Desired: p.Resources, Snapshots: []inventory.Snapshot{snap}})
		var out bytes.Buffer
		c := &cli{stdout: term.NewWriter(&out, nil), color: "never"}
		plan := &reconcile.Plan{Declared: len(p.Resources), Managed: len(p.Resources), Complete: true, Changes: changes}
		c.printer().Plan(plan, term.PlanOptions{})
		took := time.Since(start)
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		b.ReportMetric(float64(loaded.Milliseconds()), "load-ms")
		b.ReportMetric(float64(took.Milliseconds()), "all-ms")
		b.ReportMetric(float64(mem.HeapAlloc)/(1<<20), "heap-MiB")
		if len(changes) != 100 {
			b.Fatalf("%d changes, not 100", len(changes))
		}
	}
}

// manyGuests makes manifests and the observations of the same guests, every
// hundredth of which has other memory.
func manyGuests(n int) (string, inventory.Snapshot) {
	var text strings.Builder
	text.WriteString("proxmox \"home\" {\n  endpoints = [\"https://10.0.0.1:8006\"]\n  token = env(\"T\")\n}\n")
	snap := inventory.Snapshot{Complete: true}
	for i := range n {
		memory := inventory.Size(2 * inventory.GiB)
		if i%100 == 0 {
			memory = inventory.Size(inventory.GiB)
		}
		fmt.Fprintf(&text, "\nvm \"guest-%d\" {\n  vmid   = %d\n  cores  = 2\n  memory = \"2GiB\"\n  tags   = [\"a\", \"b\"]\n\n  network \"net0\" {\n    bridge = \"vmbr0\"\n    vlan   = 40\n  }\n}\n", i, 1000+i)
		snap.Observations = append(snap.Observations, inventory.Observation{State: inventory.Present, Digest: "d", Resource: inventory.Resource{
			Addr: inventory.Address{Kind: "vm", Name: fmt.Sprintf("guest-%d", i)}, Identity: fmt.Sprintf("home/%d", 1000+i),
			Attrs: inventory.Attrs{"name": cty.StringVal(fmt.Sprintf("guest-%d", i)), "cores": cty.NumberIntVal(2), "memory": memory, "tags": inventory.StringSet("a", "b"), "network.net0.bridge": cty.StringVal("vmbr0"), "network.net0.vlan": cty.NumberIntVal(40)},
		}})
	}
	return text.String(), snap
}

// BenchmarkDiff compares; the time a guest does not grow with their number.
func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := reconcile.Input{}
			_, snap := manyGuests(n)
			for _, o := range snap.Observations {
				r := o.Resource
				in.Desired = append(in.Desired, r)
			}
			in.Snapshots = []inventory.Snapshot{snap}
			for b.Loop() {
				reconcile.Diff(in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/guest")
		})
	}
}

// BenchmarkVersion starts the program and ends it.
func BenchmarkVersion(b *testing.B) {
	file := binary(b)
	for b.Loop() {
		took, peak := measured(b, api.ExitOK, file, "version")
		b.ReportMetric(float64(took.Microseconds())/1000, "wall-ms")
		b.ReportMetric(peak, "peak-MiB")
	}
}

// BenchmarkContextNoChange brings documents up to date that are: what a context run
// takes beyond observing, which a plan does too.
func BenchmarkContextNoChange(b *testing.B) {
	dir, _ := benchHome(b, pvesim.Options{World: pvesim.Generate(200, 4)})
	file := binary(b)
	measured(b, api.ExitOK, file, "-C", dir, "context")
	for b.Loop() {
		plan, _ := measured(b, api.ExitOK, file, "-C", dir, "plan")
		context, _ := measured(b, api.ExitOK, file, "-C", dir, "context")
		b.ReportMetric(float64(plan.Milliseconds()), "plan-ms")
		b.ReportMetric(float64((context - plan).Milliseconds()), "beyond-ms")
	}
}
