# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "ct-101" {
  vmid        = 101
  tags        = ["a", "b-2", "c_3", "d.4"]
  description = "100% = all; a,b \"quoted\""

  memory = "8GiB"
  swap   = "0MiB"
  cores  = 8

  search_domain = "example.net"
  unprivileged  = true
  os_type       = "debian"
  features      = ["nesting"]

  rootfs {
    storage = "local"
    size    = "2TiB"
    acl     = true
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "ceph"
    size          = "8GiB"
    acl           = true
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }
}

lxc "ct-108" {
  vmid = 108

  memory = "16MiB"
  swap   = "0MiB"
  cores  = 8

  nameservers   = ["1.1.1.1"]
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "ubuntu"
  features      = ["keyctl", "mknod", "nesting"]
  console       = false
  timezone      = "host"

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    firewall  = true
    mtu       = 1400
    link_down = true
    address6  = "auto"
  }

  rootfs {
    storage       = "local-lvm"
    size          = "8GiB"
    mount_options = ["discard", "noatime"]
  }

  startup {
    order = 2
  }
}

lxc "ct-109" {
  vmid = 109
  tags = ["a", "b-2", "c_3", "d.4"]

  memory = "16MiB"
  swap   = "0MiB"

  unprivileged = true
  os_type      = "archlinux"

  rootfs {
    storage       = "local"
    size          = "32GiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path      = "/data0"
    storage   = "ceph"
    size      = "32GiB"
    read_only = true
  }

  mount "mp1" {
    path          = "/data1"
    storage       = "ceph"
    size          = "100GiB"
    acl           = true
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }

  mount "mp4" {
    path          = "/data2"
    storage       = "local"
    size          = "32GiB"
    acl           = true
    replicate     = false
    mount_options = ["nodev", "noexec"]
  }
}

lxc "dns-111" {
  vmid = 111

  memory    = "128MiB"
  cores     = 1
  cpu_limit = 0.5

  nameservers  = ["1.1.1.1"]
  unprivileged = true
  os_type      = "debian"

  network "net0" {
    name    = "eth0"
    vlan    = 77
    rate    = 12.5
    mtu     = 1400
    address = "manual"
  }

  rootfs {
    storage   = "ceph"
    size      = "1GiB"
    quota     = true
    replicate = false
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "local-lvm"
    size          = "32GiB"
    acl           = true
    mount_options = ["nodev", "noexec"]
  }
}

lxc "mail-example-104" {
  vmid = 104
  name = "mail.example-104"

  memory    = "16MiB"
  swap      = "0MiB"
  cores     = 2
  cpu_limit = 1
  cpu_units = 2048

  onboot        = true
  nameservers   = ["192.168.90.53", "1.1.1.1"]
  search_domain = "example.net"
  os_type       = "archlinux"
  features      = ["nesting"]
  console_mode  = "console"
  tty           = 0

  network "net0" {
    name      = "eth0"
    mac       = "BC:24:11:6A:96:54"
    firewall  = true
    rate      = 12.5
    link_down = true
    address   = "dhcp"
    address6  = "fd00::5/64"
  }

  network "net1" {
    name      = "eth1"
    bridge    = "vmbr0"
    rate      = 12.5
    mtu       = 1400
    link_down = true
    address   = "manual"
  }

  rootfs {
    storage   = "local"
    size      = "2TiB"
    quota     = true
    replicate = false
  }

  mount "mp0" {
    path          = "/data0"
    backup        = true
    storage       = "local-lvm"
    size          = "4GiB"
    acl           = true
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }
}

vm "app-110" {
  vmid        = 110
  description = "web server"

  memory    = "2GiB"
  cores     = 1
  cpu_units = 2048

  machine    = "q35"
  boot_order = ["net0", "net1", "ide2"]

  network "net0" {
    model  = "e1000"
    mac    = "BC:24:11:95:94:15"
    bridge = "vmbr0"
    vlan   = 77
    trunks = ["10", "20", "30-40"]
    queues = 4
  }

  network "net1" {
    model     = "virtio"
    mac       = "bc:24:11:39:d3:43"
    bridge    = "vmbr0"
    vlan      = 77
    trunks    = ["10", "20", "30-40"]
    mtu       = 1
    link_down = true
  }

  network "net2" {
    model  = "virtio"
    mac    = "BC:24:11:17:1E:1F"
    vlan   = 77
    trunks = ["10", "20", "30-40"]
    rate   = 100
    mtu    = 1
    queues = 4
  }

  disk "ide0" {
    storage   = "ceph"
    size      = "1536MiB"
    discard   = true
    ssd       = true
    aio       = "native"
    backup    = false
    replicate = false
  }

  disk "ide1" {
    storage    = "local"
    size       = "100GiB"
    ssd        = true
    aio        = "native"
    replicate  = false
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "ide2" {
    storage = "local"
    size    = "1GiB"
    cache   = "writeback"
    discard = true
    ssd     = true
    aio     = "native"
  }
}

vm "cache-106" {
  vmid = 106
  tags = ["db", "prod"]

  memory  = "1GiB"
  cores   = 2
  cpu     = "host"

  onboot        = true
  scsi_hardware = "pvscsi"
  os_type       = "l26"
  boot_order    = ["net1", "scsi0", "net2", "ide2", "net0", "scsi1"]

  network "net0" {
    model    = "vmxnet3"
    mac      = "BC:24:11:15:02:A1"
    bridge   = "vmbr0"
    vlan     = 77
    trunks   = ["10", "20", "30-40"]
    firewall = true
    queues   = 4
    address  = "dhcp"
    address6 = "auto"
  }

  network "net1" {
    model     = "virtio"
    mac       = "BC:24:11:01:EF:B3"
    bridge    = "vmbr0"
    rate      = 1.5
    queues    = 4
    link_down = true
  }

  network "net2" {
    model    = "vmxnet3"
    mac      = "BC:24:11:81:80:68"
    bridge   = "vmbr1"
    vlan     = 77
    trunks   = ["10", "20", "30-40"]
    firewall = true
    mtu      = 1
  }

  disk "scsi0" {
    storage    = "ceph"
    size       = "1536MiB"
    discard    = true
    ssd        = true
    iothread   = true
    aio        = "native"
    serial     = "SN106"
    read_limit = 100
  }

  disk "scsi1" {
    storage    = "local-lvm"
    size       = "4GiB"
    discard    = true
    aio        = "native"
    read_limit = 100
    write_ops  = 1000
  }

  cdrom "ide2" {
    file = "none"
  }

  cloud_init {
    user          = "admin"
    nameservers   = ["192.168.90.53", "1.1.1.1"]
    search_domain = "a.example b.example"
  }
}

vm "web-105" {
  vmid = 105

  memory    = "8GiB"
  cores     = 2
  cpu       = "host"
  cpu_units = 2048
  numa      = true

  onboot  = true
  machine = "pc-q35-9.2+pve1"
  os_type = "win10"

  network "net0" {
    model    = "rtl8139"
    mac      = "BC:24:11:DA:FF:36"
    firewall = true
    rate     = 1.5
    mtu      = 1
    address  = "10.0.0.106/16"
    gateway  = "10.0.0.1"
  }

  disk "ide0" {
    storage   = "local-lvm"
    size      = "1GiB"
    discard   = true
    ssd       = true
    serial    = "SN105"
    write_ops = 1000
  }

  disk "ide1" {
    storage   = "local"
    size      = "1536MiB"
    discard   = true
    ssd       = true
    aio       = "native"
    replicate = false
    serial    = "SN105"
    write_ops = 1000
  }

  disk "ide2" {
    storage = "local-lvm"
    size    = "2TiB"
    cache   = "writethrough"
    discard = true
    ssd     = true
  }

  cloud_init {
    user = "ubuntu"
  }

  usb "usb0" {
    device = "spice"
    usb3   = true
  }

  pci "hostpci0" {
    mapping = "gpu"
    pcie    = true
    rombar  = false
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

vm "cache-103" {
  vmid = 103
  pool = "prod"

  memory    = "2GiB"
  cpu_flags = ["+spec-ctrl"]

  onboot        = true
  protection    = true
  scsi_hardware = "pvscsi"
  os_type       = "l26"
  boot_order    = ["scsi1", "scsi24", "ide2"]
  kvm           = false

  network "net0" {
    address = "10.0.9.9/16"
    gateway = "10.0.0.1"
  }

  network "net1" {
    address = "10.0.0.104/16"
    gateway = "10.0.0.1"
  }

  disk "scsi0" {
    storage   = "ceph"
    size      = "32GiB"
    cache     = "writethrough"
    ssd       = true
    replicate = false
    serial    = "SN103"
  }

  disk "scsi1" {
    storage    = "local"
    size       = "1536MiB"
    cache      = "writeback"
    ssd        = true
    iothread   = true
    aio        = "native"
    replicate  = false
    read_limit = 12.5
  }

  disk "scsi24" {
    storage   = "ceph"
    size      = "32GiB"
    iothread  = true
    aio       = "native"
    replicate = false
    serial    = "SN103"
  }

  cloud_init {
    drive   = "ide2"
    storage = "local-lvm"
    user    = "admin"
    upgrade = false
  }

  startup {
    order = 2
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "dns-107" {
  vmid = 107
  pool = "test"

  memory = "2GiB"
  swap   = "0MiB"
  cores  = 2

  onboot       = true
  nameservers  = ["192.168.90.53", "1.1.1.1"]
  unprivileged = true
  os_type      = "ubuntu"
  features     = ["keyctl", "nesting"]

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    mac       = "BC:24:11:EA:15:FD"
    rate      = 12.5
    mtu       = 1400
    link_down = true
    address6  = "fd00::5/64"
  }

  rootfs {
    storage       = "local-lvm"
    size          = "100GiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path      = "/data0"
    storage   = "local-lvm"
    size      = "1536MiB"
    replicate = false
    read_only = true
  }

  mount "mp1" {
    path          = "/data1"
    storage       = "local"
    size          = "4GiB"
    replicate     = false
    mount_options = ["nodev", "noexec"]
  }
}

vm "db-100" {
  vmid = 100
  pool = "test"

  memory  = "4GiB"
  cores   = 16
  cpu     = "host"

  machine       = "q35"
  viommu        = "virtio"
  scsi_hardware = "pvscsi"
  os_type       = "win10"
  hotplug       = []

  network "net0" {
    model     = "virtio"
    mac       = "BC:24:11:88:3B:A9"
    bridge    = "vmbr0"
    vlan      = 77
    trunks    = ["10", "20", "30-40"]
    rate      = 100
    link_down = true
  }

  disk "scsi0" {
    storage    = "local"
    size       = "1GiB"
    discard    = true
    ssd        = true
    iothread   = true
    aio        = "native"
    replicate  = false
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "scsi2" {
    storage    = "local-lvm"
    size       = "1GiB"
    cache      = "writeback"
    aio        = "native"
    serial     = "SN100"
    read_limit = 100
  }

  disk "scsi4" {
    storage    = "local-lvm"
    size       = "32GiB"
    ssd        = true
    read_limit = 12.5
    write_ops  = 1000
  }
}

vm "db-102" {
  vmid        = 102
  pool        = "test"
  description = <<EOT
# heading

* 日本語
* emoji 🚀
EOT

  memory    = "512MiB"
  cores     = 1
  cpu       = "host"
  cpu_flags = ["+aes", "-pcid"]
  numa      = true

  onboot        = true
  scsi_hardware = "virtio-scsi-single"
  tablet        = false
  os_type       = "win11"
  boot_order    = ["net0", "ide2", "net1"]
  local_time    = true

  network "net0" {
    model    = "virtio"
    mac      = "BC:24:11:2B:FD:EB"
    vlan     = 77
    trunks   = ["10", "20", "30-40"]
    firewall = true
    address6 = "fd00::10/64"
    gateway6 = "fd00::1"
  }

  network "net1" {
    model  = "rtl8139"
    mac    = "bc:24:11:9a:c9:ff"
    vlan   = 77
    trunks = ["10", "20", "30-40"]
    mtu    = 1
    queues = 4
  }

  disk "scsi0" {
    storage    = "local-lvm"
    size       = "32GiB"
    aio        = "native"
    serial     = "SN102"
    read_limit = 12.5
  }

  cloud_init {
    drive    = "ide2"
    storage  = "local-lvm"
    user     = "ubuntu"
    ssh_keys = ["ssh-rsa AAAAB3Nza+b/== x", "ssh-ed25519 AAAA y"]
  }

  rng {
    source = "/dev/urandom"
  }
}
