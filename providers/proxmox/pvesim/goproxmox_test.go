package pvesim

import (
	"testing"
	"time"

	proxmox "github.com/luthermonson/go-proxmox"
)

// TestGoProxmox walks the simulated home with a client that was written
// against real clusters: what it cannot decode, we answer wrongly.
func TestGoProxmox(t *testing.T) {
	s := start(t, Options{})
	own := newClient(t, s)
	user, secret := "root@pam!recon", s.Token()[len("root@pam!recon="):]
	c := proxmox.NewClient(s.Endpoint()+"/api2/json", proxmox.WithHTTPClient(own.http), proxmox.WithAPIToken(user, secret))
	ctx := t.Context()
	if v, err := c.Version(ctx); err != nil || v.Release != "9.2" {
		t.Errorf("version %v, %v", v, err)
	}
	cluster, err := c.Cluster(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := cluster.Resources(ctx, "vm"); err != nil || len(res) != 26 {
		t.Errorf("resources: %d, %v", len(res), err)
	}
	if _, err := cluster.Tasks(ctx); err != nil {
		t.Error(err)
	}
	nodes, err := c.Nodes(ctx)
	if err != nil || len(nodes) != 3 {
		t.Fatalf("nodes %v, %v", nodes, err)
	}
	node, err := c.Node(ctx, "node02")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Storages(ctx); err != nil {
		t.Error(err)
	}
	if _, err := node.Networks(ctx); err != nil {
		t.Error(err)
	}
	vm, err := node.VirtualMachine(ctx, 106)
	if err != nil {
		t.Fatal(err)
	}
	if vm.Name != "gitlab" || *vm.VirtualMachineConfig.Cores != 4 {
		t.Errorf("vm %s, %d cores", vm.Name, *vm.VirtualMachineConfig.Cores)
	}
	task, err := vm.Stop(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := task.Wait(ctx, time.Millisecond, 5*time.Second); err != nil {
		t.Error(err)
	}
	ct, err := node.Container(ctx, 203)
	if err != nil {
		t.Fatal(err)
	}
	if ct.Name != "traefik" {
		t.Errorf("container %s", ct.Name)
	}
	if _, err := ct.Interfaces(ctx); err != nil {
		t.Error(err)
	}
}
