package schemacheck

import (
	"net/url"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	dir, err := Find()
	if err != nil {
		t.Skip(err)
	}
	c, err := Load(dir, "9.2")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, method, path, params, want string
	}{
		{"list", "GET", "/cluster/resources", "type=vm", ""},
		{"indexed", "PUT", "/nodes/pve1/qemu/101/config", "net0=virtio,bridge%3Dvmbr0&scsi3=local:1", ""},
		{"unknown path", "GET", "/bogus", "", "no such path"},
		{"unknown method", "PATCH", "/version", "", "no such method"},
		{"unknown parameter", "GET", "/version", "x=1", "unknown parameter"},
		{"missing", "POST", "/pools", "", "poolid: missing"},
		{"bound", "PUT", "/nodes/pve1/qemu/101/config", "cores=0", "less than 1"},
		{"enum", "PUT", "/nodes/pve1/qemu/101/config", "bios=efi", "not one of"},
		{"key of a property string", "PUT", "/nodes/pve1/qemu/101/config", "net0=virtio,tag%3D5000", "more than 4094"},
		{"task", "GET", "/nodes/pve1/tasks/UPID:pve1:1:2:3:qmstart:101:root@pam:/status", "", ""},
		{"volume", "DELETE", "/nodes/pve1/storage/local/content/local:101/vm-101-disk-0.raw", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			params, err := url.ParseQuery(tt.params)
			if err != nil {
				t.Fatal(err)
			}
			err = c.Check(tt.method, tt.path, params)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
