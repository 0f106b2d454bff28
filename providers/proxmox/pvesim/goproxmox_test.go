package pvesim

import (
	"strings"
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

// TestGoProxmoxStorage follows what go-proxmox's own integration tests expect of
// storages, templates and a VM's CD drive.
func TestGoProxmoxStorage(t *testing.T) {
	s := start(t, Options{})
	own := newClient(t, s)
	c := proxmox.NewClient(s.Endpoint()+"/api2/json", proxmox.WithHTTPClient(own.http),
		proxmox.WithCredentials(&proxmox.Credentials{Username: "root@pam", Password: "recon-sim"}))
	ctx := t.Context()
	node, err := c.Node(ctx, "node01")
	if err != nil {
		t.Fatal(err)
	}
	storage, err := node.Storage(ctx, "local")
	if err != nil {
		t.Fatal(err)
	}
	says := func(what string, err error, text string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, not %q", what, err, text)
		}
	}
	_, err = storage.ISO(ctx, "doesnt-exist")
	says("an ISO without extension", err, "unable to parse directory volume name 'iso/doesnt-exist'")
	_, err = storage.VzTmpl(ctx, "doesnt-exist")
	says("a template without extension", err, "unable to parse directory volume name 'vztmpl/doesnt-exist'")
	_, err = node.DownloadAppliance(ctx, "doesnt-exist", "local")
	says("an unknown appliance", err, "no such template")
	offered, err := node.Appliances(ctx)
	if err != nil || len(offered) == 0 {
		t.Fatalf("appliances %v, %v", offered, err)
	}
	if upid, err := node.DownloadAppliance(ctx, offered[0].Template, "local"); err != nil || !strings.HasPrefix(upid, "UPID:node01:") {
		t.Errorf("download of an appliance: %s, %v", upid, err)
	}
	_, err = storage.DownloadURL(ctx, "iso", "disk.qcow2", "https://example.com/disk.qcow2")
	says("an ISO that is none", err, "wrong file extension")
	task, err := storage.DownloadURL(ctx, "iso", "small.iso", "https://example.com/small.iso")
	if err != nil {
		t.Fatal(err)
	}
	if err := task.Wait(ctx, time.Millisecond, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if log, err := task.Log(ctx, 0, 50); err != nil || !strings.Contains(log[0], "https://example.com/small.iso") {
		t.Errorf("the task's log: %v, %v", log, err)
	}
	iso, err := storage.ISO(ctx, "small.iso")
	if err != nil {
		t.Fatal(err)
	}
	if task, err = node.NewVirtualMachine(ctx, 900, proxmox.VirtualMachineOption{Name: "cdrom", Value: iso.VolID}); err != nil {
		t.Fatal(err)
	}
	if err := task.Wait(ctx, time.Millisecond, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	vm, err := node.VirtualMachine(ctx, 900)
	if err != nil {
		t.Fatal(err)
	}
	if ide2 := vm.VirtualMachineConfig.IDEs["ide2"]; !strings.HasPrefix(ide2, "local:iso/small.iso,media=cdrom") {
		t.Errorf("cdrom became ide2 = %q", ide2)
	}
}
