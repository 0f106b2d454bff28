# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "ct-102" {
  vmid        = 102
  tags        = ["corpus"]
  description = <<EOT
line one
line two: with colon
EOT

  memory = "3GiB"

  onboot        = true
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "alpine"
  features      = ["keyctl", "nesting"]

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    vlan      = 77
    mtu       = 1400
    link_down = true
    address6  = "fd00::5/64"
  }

  network "net1" {
    name      = "eth1"
    vlan      = 77
    firewall  = true
    rate      = 12.5
    link_down = true
  }

  rootfs {
    storage = "local-lvm"
    size    = "900GiB"
  }
}

lxc "ct-105" {
  vmid = 105

  memory = "3GiB"

  onboot       = true
  hookscript   = "local:snippets/hook.pl"
  nameservers  = ["1.1.1.1"]
  unprivileged = true
  os_type      = "unmanaged"

  network "net0" {
    name     = "eth0"
    bridge   = "vmbr0"
    mac      = "BC:24:11:B2:96:6C"
    rate     = 12.5
    address6 = "auto"
  }

  rootfs {
    storage       = "ceph"
    size          = "900GiB"
    mount_options = ["discard", "noatime"]
  }

  startup {
    order = 4
    up    = 30
    down  = 60
  }
}

lxc "dns-101" {
  vmid = 101

  memory = "3GiB"
  swap   = "1GiB"
  cores  = 8

  os_type  = "archlinux"
  features = ["mount=nfs;cifs"]

  network "net0" {
    name   = "eth0"
    bridge = "vmbr0"
    vlan   = 77
    rate   = 12.5
  }

  rootfs {
    storage = "local-lvm"
    size    = "900GiB"
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "local-lvm"
    size          = "900GiB"
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }
}

lxc "dns-103" {
  vmid = 103

  memory    = "3GiB"
  swap      = "1GiB"
  cores     = 1
  cpu_units = 2048

  onboot        = true
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "debian"
  tty           = 0
  timezone      = "Europe/Berlin"

  network "net0" {
    name     = "eth0"
    bridge   = "vmbr0"
    mtu      = 1400
    address  = "10.20.0.104/16"
    address6 = "dhcp"
  }

  rootfs {
    storage   = "ceph"
    size      = "900GiB"
    quota     = true
    replicate = false
  }
}

lxc "mail-example-107" {
  vmid        = 107
  name        = "mail.example-107"
  description = "web server"

  memory    = "3GiB"
  swap      = "1GiB"
  cpu_limit = 2.75

  unprivileged = true
  os_type      = "debian"
  console      = false

  network "net0" {
    name      = "eth0"
    mac       = "BC:24:11:14:0C:0E"
    rate      = 12.5
    mtu       = 1400
    link_down = true
  }

  network "net1" {
    name      = "eth1"
    vlan      = 77
    firewall  = true
    rate      = 12.5
    link_down = true
    address6  = "auto"
  }

  rootfs {
    storage = "ceph"
    size    = "900GiB"
  }

  mount "mp0" {
    path    = "/data0"
    storage = "local"
    size    = "900GiB"
  }

  mount "mp2" {
    path          = "/data1"
    backup        = true
    storage       = "local"
    size          = "900GiB"
    acl           = true
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }
}

lxc "mail-example-109" {
  vmid = 109
  name = "mail.example-109"
  tags = ["corpus"]

  memory    = "3GiB"
  cpu_limit = 1

  unprivileged = true
  os_type      = "alpine"
  console      = false

  network "net0" {
    name     = "eth0"
    bridge   = "vmbr0"
    vlan     = 77
    firewall = true
    rate     = 12.5
    mtu      = 1400
  }

  rootfs {
    storage       = "ceph"
    size          = "900GiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "local"
    size          = "900GiB"
    replicate     = false
    mount_options = ["nodev", "noexec"]
  }

  mount "mp1" {
    path      = "/data1"
    backup    = true
    storage   = "local"
    size      = "900GiB"
    replicate = false
  }

  mount "mp4" {
    path      = "/data2"
    storage   = "local-lvm"
    size      = "900GiB"
    read_only = true
  }
}

lxc "mail-example-110" {
  vmid = 110
  name = "mail.example-110"

  memory = "3GiB"
  swap   = "0MiB"

  onboot       = true
  nameservers  = ["192.168.90.53", "1.1.1.1"]
  unprivileged = true
  os_type      = "unmanaged"
  tty          = 6

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    vlan      = 77
    firewall  = true
    rate      = 12.5
    link_down = true
    address   = "10.20.0.111/16"
    address6  = "fd00::5/64"
  }

  rootfs {
    storage       = "local-lvm"
    size          = "900GiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path    = "/data0"
    storage = "local-lvm"
    size    = "900GiB"
  }
}

vm "app-108" {
  vmid        = 108
  description = "Büro – Drucker"

  memory = "3GiB"
  cores  = 2
  cpu    = "host"

  bios                   = "ovmf"
  scsi_hardware          = "virtio-scsi-single"
  boot_order             = ["net0", "ide2"]
  agent                  = true
  agent_freeze_on_backup = false

  network "net0" {
    model   = "virtio"
    mac     = "BC:24:11:EE:85:50"
    bridge  = "vmbr1"
    rate    = 100
    mtu     = 1
    address = "dhcp"
  }

  network "net1" {
    model    = "virtio"
    mac      = "BC:24:11:8E:95:44"
    bridge   = "vmbr0"
    vlan     = 77
    trunks   = ["10", "20", "30-40"]
    firewall = true
    rate     = 1.5
    queues   = 4
  }

  cdrom "ide2" {
    file = "none"
  }

  efi_disk {
    storage = "ceph"
  }

  cloud_init {
    user        = "ubuntu"
    nameservers = ["1.1.1.1"]
  }

  serial "serial0" {
    device = "socket"
  }

  rng {
    source = "/dev/urandom"
  }
}

vm "cache-106" {
  vmid = 106

  memory    = "3GiB"
  cores     = 2
  cpu_flags = ["+spec-ctrl"]
  cpu_limit = 1

  onboot        = true
  scsi_hardware = "pvscsi"
  os_type       = "l26"
  boot_order    = ["net0"]
  agent         = true
  agent_fstrim  = true

  network "net0" {
    model  = "e1000"
    mac    = "BC:24:11:C7:FF:2A"
    trunks = ["10", "20", "30-40"]
  }

  network "net1" {
    model  = "vmxnet3"
    mac    = "BC:24:11:D3:4A:E0"
    trunks = ["10", "20", "30-40"]
    rate   = 1.5
    mtu    = 1
    queues = 4
  }

  disk "scsi0" {
    storage    = "local-lvm"
    size       = "900GiB"
    iothread   = true
    aio        = "native"
    serial     = "SN106"
    read_limit = 100
  }

  disk "scsi1" {
    storage    = "ceph"
    size       = "900GiB"
    iothread   = true
    aio        = "native"
    backup     = false
    serial     = "SN106"
    read_limit = 12.5
    write_ops  = 1000
  }
}

vm "node-a-104" {
  vmid        = 104
  description = <<EOT
# heading

* 日本語
* emoji 🚀
EOT

  memory    = "3GiB"
  cores     = 16
  sockets   = 2
  cpu       = "host"
  cpu_limit = 0.5

  hookscript   = "local:snippets/hook.pl"
  machine      = "pc-q35-9.2+pve1"
  os_type      = "l24"
  boot_order   = ["net0"]
  agent        = true
  agent_fstrim = true

  network "net0" {
    model  = "rtl8139"
    mac    = "BC:24:11:A0:64:A6"
    mtu    = 1
    queues = 4
  }

  cdrom "ide2" {
    file = "local:iso/debian-12.9.0-amd64-netinst.iso"
  }

  serial "serial0" {
    device = "socket"
  }
}

vm "srv100-example-net" {
  vmid = 100
  name = "srv100.example.net"

  memory = "3GiB"
  cores  = 2
  cpu    = "host"

  onboot        = true
  scsi_hardware = "virtio-scsi-single"
  os_type       = "l26"
  boot_order    = ["sata1", "sata0", "net0", "sata2"]
  agent         = true

  network "net0" {
    model     = "virtio"
    mac       = "BC:24:11:D5:6B:67"
    bridge    = "vmbr1"
    queues    = 4
    link_down = true
  }

  disk "sata0" {
    storage    = "local-lvm"
    size       = "900GiB"
    ssd        = true
    aio        = "native"
    serial     = "SN100"
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "sata1" {
    storage   = "local"
    size      = "900GiB"
    ssd       = true
    replicate = false
  }

  disk "sata2" {
    storage   = "ceph"
    size      = "900GiB"
    ssd       = true
    aio       = "native"
    replicate = false
    serial    = "SN100"
  }

  pci "hostpci0" {
    mapping     = "gpu"
    pcie        = true
    primary_gpu = true
  }

  serial "serial0" {
    device = "socket"
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "mail-example-111" {
  vmid = 111
  name = "mail.example-111"
  pool = "prod"
  tags = ["corpus"]

  memory    = "3GiB"
  swap      = "1GiB"
  cpu_units = 2048

  protection   = true
  hookscript   = "local:snippets/hook.pl"
  unprivileged = true
  os_type      = "ubuntu"
  features     = ["keyctl", "nesting"]

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    mac       = "bc:24:11:a8:a4:84"
    vlan      = 77
    firewall  = true
    rate      = 12.5
    link_down = true
  }

  network "net1" {
    name     = "eth1"
    bridge   = "vmbr0"
    vlan     = 77
    firewall = true
    mtu      = 1400
    address  = "manual"
    address6 = "auto"
  }

  rootfs {
    storage = "ceph"
    size    = "900GiB"
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "ceph"
    size          = "900GiB"
    mount_options = ["nodev", "noexec"]
  }
}
