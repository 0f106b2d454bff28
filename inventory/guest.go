package inventory

import "github.com/zclconf/go-cty/cty"

// Types that many rows share.
var (
	stringSet  = cty.Set(cty.String)
	stringList = cty.List(cty.String)
)

// The privileges that Proxmox asks for, by the sort of option (PVE/API2/Qemu.pm,
// check_vm_modify_config_perm; PVE/LXC.pm, check_ct_modify_config_perm).
const (
	privOptions   = "VM.Config.Options"
	privCPU       = "VM.Config.CPU"
	privMemory    = "VM.Config.Memory"
	privDisk      = "VM.Config.Disk"
	privCDROM     = "VM.Config.CDROM"
	privNetwork   = "VM.Config.Network"
	privHardware  = "VM.Config.HWType"
	privCloudInit = "VM.Config.Cloudinit"
	privPower     = "VM.PowerMgmt"
	privMigrate   = "VM.Migrate"
)

// Where privileges are asked. The bridge of a card, its VLAN and its trunks are one
// path each (PVE/GuestHelpers.pm, check_vnet_access).
const (
	onGuest   = "/vms/{vmid}"
	onNetwork = "/sdn/zones/{zone:bridge}/{bridge}/{tags:vlan,trunks}"
)

// asks are the needs of an option that wants one of the privileges on the guest.
func asks(privileges ...string) []Need { return []Need{{Any: privileges, Path: onGuest}} }

// asksAlso adds a need to those that an option has anyway.
func asksAlso(needs []Need, more ...Need) []Need { return append(needs, more...) }

// space is what a new, a grown or a moved volume needs.
func space() Need { return Need{Any: []string{"Datastore.AllocateSpace"}, Path: "/storage/{storage}"} }

// commonAttrs are the attributes that VMs and containers share: who the guest
// is, where it runs, and whether it does.
func commonAttrs(nameKey, namePrivilege string) []*Attr {
	return []*Attr{
		{Name: "vmid", Type: cty.Number, Wire: WireDerived, Call: CallIdentity, Group: GroupWho, Import: ImportAlways, Required: true, Frozen: true, Min: 100, Max: 999999999, Doc: "The guest's number, unique in the cluster. With the cluster's label it is the identity of the resource: home/111."},
		{Name: "name", Key: nameKey, Type: cty.String, Group: GroupWho, Import: ImportUnlessLabel, Check: checkName, Needs: asks(namePrivilege), Doc: "The guest's name in Proxmox. Defaults to the label, or to each.key under for_each."},
		{Name: "node", Type: cty.String, Wire: WireDerived, Call: CallMigrate, Import: ImportNever, Impact: ImpactOutage, Needs: asks(privMigrate), Names: NamesNode, Doc: "The node on which the guest must be. Left out, any node will do and a move is no drift; written, recon migrates the guest there."},
		{Name: "running", Type: cty.Bool, Wire: WireDerived, Call: CallPower, Import: ImportNever, Impact: ImpactOutage, Needs: asks(privPower), Doc: "Whether the guest must be running. Left out, its power state is nobody's business."},
		{
			Name: "pool", Type: cty.String, Wire: WireDerived, Call: CallPool, Group: GroupWho, Import: ImportUnlessEmpty,
			Needs: []Need{{Any: []string{"Pool.Allocate"}, Path: "/pool/{pool}", Old: true}, {Any: []string{"VM.Allocate", "Permissions.Modify"}, Path: onGuest}},
			Names: NamesPool, Check: checkPool(), Doc: "The resource pool of the guest; \"\" for none.",
		},
		{Name: "tags", Key: "tags", Registered: true, Type: stringSet, Wire: WireSemicolon, Lower: true, Group: GroupWho, Check: checkTags, Default: StringSet(), Equal: foldSetEqual, Needs: asks(privOptions), Spellings: []string{"Web db", "db web"}, Doc: "Tags. Order and case mean nothing; Proxmox stores them lower-cased, sorted and unique."},
		{Name: "description", Key: "description", Type: cty.String, Wire: WireText, Group: GroupWho, Column: ColumnNotes, Default: cty.StringVal(""), Equal: textEqual, Needs: asks(privOptions), Spellings: []string{"one", "one \t", "one\r\n"}, Doc: "The notes of the guest, in Markdown. Trailing white space does not count."},
		{Name: "onboot", Key: "onboot", Type: cty.Bool, Default: cty.False, Needs: asks(privOptions), Doc: "Start the guest when its node boots."},
		{Name: "protection", Key: "protection", Type: cty.Bool, Default: cty.False, Needs: asks(privOptions), Doc: "Proxmox's own protection: refuses to remove the guest or one of its disks."},
		{Name: "template", Key: "template", Type: cty.Bool, Computed: true, Default: cty.False, Doc: "Whether the guest is a template. Observed only: the way there cannot be undone."},
		{Name: "hookscript", Key: "hookscript", Type: cty.String, RootOnly: true, Impact: ImpactRootOnly, Check: checkVolume(), Doc: "A script volume that runs at steps of the guest's life."},
		{Name: "purpose", Type: cty.String, Document: true, Wire: WireDerived, Column: ColumnPurpose, Doc: "What the guest is for, in the author's words. For documents only; never sent to Proxmox."},
	}
}

// startupBlock is the start and shutdown order. Of a VM Proxmox asks more than of a
// container.
func startupBlock(needs ...Need) *Block {
	return &Block{Name: "startup", Key: "startup", DefaultKey: "order", Needs: needs, Doc: "Order and delays of start and shutdown.", Attrs: []*Attr{
		{Name: "order", Key: "order", Type: cty.Number, Max: 1 << 31, Needs: asks(privOptions), Doc: "Position in the start order; shutdown goes the other way."},
		{Name: "up", Key: "up", Type: cty.Number, Unit: Seconds, Max: 1 << 31, Needs: asks(privOptions), Doc: "How long to wait after this guest before the next is started."},
		{Name: "down", Key: "down", Type: cty.Number, Unit: Seconds, Max: 1 << 31, Needs: asks(privOptions), Doc: "How long to wait for this guest to shut down."},
	}}
}

// ipAttrs are the addresses of a network device. A container holds them in
// netN itself, a VM in ipconfigN, which exists only with cloud-init.
func ipAttrs(beside string, impact Impact, needs []Need) []*Attr {
	attrs := []*Attr{
		{Name: "address", Key: "ip", Check: checkFamily(true, "dhcp", "manual"), Column: ColumnAddress, Spellings: []string{"10.0.0.1/24"}, Doc: "IPv4 address with prefix length (192.168.40.11/24), or \"dhcp\"."},
		{Name: "gateway", Key: "gw", Check: checkGateway(true), Column: ColumnGateway, Spellings: []string{"10.0.0.1"}, Doc: "IPv4 gateway."},
		{Name: "address6", Key: "ip6", Check: checkFamily(false, "auto", "dhcp", "manual"), Column: ColumnAddress, Spellings: []string{"fd00::1/64", "fd00:0::01/64", "FD00::1/64"}, Doc: "IPv6 address with prefix length, \"dhcp\" or \"auto\"."},
		{Name: "gateway6", Key: "gw6", Check: checkGateway(false), Column: ColumnGateway, Spellings: []string{"fd00::1", "fd00:0::01"}, Doc: "IPv6 gateway."},
	}
	for _, a := range attrs {
		a.Type, a.Equal, a.Beside, a.Impact, a.Needs = cty.String, addressEqual, beside, impact, needs
	}
	return attrs
}

const absentName = "absent"

// Absent returns the path of the field that asks for the removal of the device to
// which a path belongs, "" when it belongs to none.
func (p Path) Absent() Path {
	if p.Parent() == "" {
		return ""
	}
	return p.Parent() + "." + absentName
}

// absentAttr asks for the removal of one device: leaving a device out of the
// manifest removes it only where the manifest is exact.
func absentAttr(privilege string, impact Impact, what string) *Attr {
	return &Attr{Name: absentName, Type: cty.Bool, Wire: WireAbsent, Impact: impact, Needs: asks(privilege), Default: cty.False, Doc: "true asks recon to remove " + what + ". Leaving the block out does so in an exact guest alone."}
}
