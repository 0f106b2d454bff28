// Package terraform reads what Terraform or OpenTofu knows of guests, and changes
// a guest that Terraform owns through Terraform.
//
// A state is a witness, not an observation: it says what Terraform wrote or saw
// last. So Read gives a snapshot without observations (whether the source could
// be read, and what is worth attention in it), and Guests gives what the state
// says of each guest, in the vocabulary of the vm and lxc tables. A state is
// never written by this package; what changes, terraform changes.
//
// A source is one of three:
//
//   - a folder with code, whose state terraform itself hands out
//     (terraform state pull): any backend that the folder is set up for,
//     any workspace;
//   - a state file of format version 4, read without any binary;
//   - the JSON of terraform show -json, of a state or of a plan.
//
// The mapping follows the read functions of the two providers that homes use:
// bpg/proxmox (proxmoxtf/resource/vm/vm.go, proxmoxtf/resource/container/container.go,
// fwprovider/nodes/vm, fwprovider/nodes/clonedvm) and Telmate/proxmox
// (proxmox/resource_vm_qemu.go, proxmox/resource_lxc.go, proxmox/resource_lxc_guest.go
// and proxmox/Internal/resource/guest). The tables are in bpg.go and telmate.go.
//
// Values that the state marks as sensitive never leave this package: a field that
// comes from one is left out, and errors are searched for them.
package terraform
