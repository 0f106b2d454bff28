package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"recon/providers/docker/enginetest"
)

// hasPart answers for conditions on parts of the machine.
func hasPart(name string) (bool, error) {
	if name != "docker" {
		return false, fmt.Errorf("there is no condition %q", name)
	}
	return enginetest.Missing() == "", nil
}

// A scriptT lets an engine belong to a script.
type scriptT struct{ *testscript.TestScript }

func (t scriptT) Helper()                  {}
func (t scriptT) Fatal(args ...any)        { t.Fatalf("%s", fmt.Sprint(args...)) }
func (t scriptT) Skip(args ...any)         { t.Fatalf("%s", fmt.Sprint(args...)) }
func (t scriptT) Skipf(f string, a ...any) { t.Fatalf(f, a...) }
func (t scriptT) Cleanup(f func())         { t.Defer(f) }

// cmdEngine starts an engine and declares its host and daemon.
func cmdEngine(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: engine NAME")
	}
	name, config := args[0], "{}"
	if b, err := os.ReadFile(ts.MkAbs(name + ".json")); err == nil {
		config = string(b)
	}
	e := enginetest.Start(scriptT{ts}, config)
	e.Load(scriptT{ts})
	ts.Setenv("ENGINE_"+strings.ToUpper(name), e.Socket)
	subnet, err := netip.ParsePrefix(e.Docker(scriptT{ts}, "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Subnet}}"))
	ts.Check(err)
	ts.Setenv("GATEWAY_"+strings.ToUpper(name), subnet.Addr().Next().String())
	ts.Setenv("NETWORK_"+strings.ToUpper(name), e.Network())
	ts.Setenv("RESTART_"+strings.ToUpper(name), e.Restart)
	ts.Setenv("CONFIG_"+strings.ToUpper(name), e.Config)
	block := fmt.Sprintf("host %q {\n  address       = \"local\"\n  docker_socket = %q\n}\n", name, e.Socket)
	ts.Check(os.WriteFile(ts.MkAbs(name+".recon.hcl"), []byte(block), 0o644))
	if _, err := os.Stat(ts.MkAbs("recon.hcl")); os.IsNotExist(err) {
		ts.Check(os.WriteFile(ts.MkAbs("recon.hcl"), nil, 0o644))
	}
}

// cmdDocker runs the Docker command line against an engine.
func cmdDocker(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: docker NAME ARGS...")
	}
	socket := ts.Getenv("ENGINE_" + strings.ToUpper(args[0]))
	err := ts.Exec("docker", append([]string{"-H", "unix://" + socket}, args[1:]...)...)
	switch {
	case neg && err == nil:
		ts.Fatalf("docker succeeded")
	case !neg:
		ts.Check(err)
	}
}
