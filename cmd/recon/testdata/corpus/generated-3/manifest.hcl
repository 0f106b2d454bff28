# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "dns-104" {
  vmid        = 104
  description = "Büro – Drucker"

  memory    = "2GiB"
  swap      = "0MiB"
  cores     = 8
  cpu_limit = 0.5

  onboot       = true
  unprivileged = true
  os_type      = "alpine"
  features     = ["mount=nfs;cifs"]

  network "net0" {
    name     = "eth0"
    bridge   = "vmbr0"
    mac      = "BC:24:11:40:49:A3"
    vlan     = 3198
    firewall = true
    mtu      = 1400
    address6 = "fd00::5/64"
  }

  network "net1" {
    name     = "eth1"
    mac      = "BC:24:11:9E:AF:EA"
    mtu      = 1400
    address  = "10.20.0.105/16"
    address6 = "fd00::5/64"
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
    acl           = true
    mount_options = ["nodev", "noexec"]
  }

  mount "mp2" {
    path          = "/data1"
    storage       = "ceph"
    size          = "900GiB"
    replicate     = false
    mount_options = ["nodev", "noexec"]
  }

  startup {
    order = 1
  }
}

lxc "mail-example-111" {
  vmid        = 111
  name        = "mail.example-111"
  description = "https://wiki.example.net/x?y=1&z=2"

  memory    = "512MiB"
  swap      = "0MiB"
  cores     = 1
  cpu_units = 50

  onboot       = true
  nameservers  = ["192.168.90.53", "1.1.1.1"]
  unprivileged = true
  os_type      = "ubuntu"
  features     = ["nesting"]
  debug        = true

  network "net0" {
    name      = "eth0"
    mac       = "BC:24:11:09:AD:90"
    vlan      = 3522
    firewall  = true
    mtu       = 1400
    link_down = true
  }

  network "net1" {
    name     = "eth1"
    bridge   = "vmbr0"
    mac      = "BC:24:11:3A:E7:BF"
    mtu      = 1400
    address6 = "auto"
  }

  rootfs {
    storage = "local"
    size    = "900GiB"
    acl     = true
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "local-lvm"
    size          = "900GiB"
    acl           = true
    replicate     = false
    mount_options = ["nodev", "noexec"]
  }
}

lxc "proxy-101" {
  vmid = 101

  memory = "512MiB"
  swap   = "0MiB"
  cores  = 1

  search_domain = "example.net"
  os_type       = "archlinux"

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    mac       = "BC:24:11:09:0C:39"
    vlan      = 2060
    firewall  = true
    link_down = true
    address   = "dhcp"
    address6  = "dhcp"
  }

  network "net1" {
    name      = "eth1"
    vlan      = 3034
    firewall  = true
    rate      = 12.5
    mtu       = 1400
    link_down = true
    address   = "dhcp"
    address6  = "fd00::5/64"
  }

  rootfs {
    storage = "local"
    size    = "900GiB"
  }

  mount "mp0" {
    path      = "/data0"
    backup    = true
    storage   = "ceph"
    size      = "900GiB"
    acl       = true
    replicate = false
  }
}

lxc "proxy-102" {
  vmid = 102

  memory = "16MiB"
  swap   = "0MiB"
  cores  = 2

  onboot        = true
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "ubuntu"

  network "net0" {
    name    = "eth0"
    bridge  = "vmbr0"
    mac     = "BC:24:11:BC:41:70"
    rate    = 12.5
    address = "10.20.0.103/16"
  }

  network "net1" {
    name      = "eth1"
    bridge    = "vmbr0"
    mac       = "BC:24:11:F1:E3:F7"
    vlan      = 444
    mtu       = 1400
    link_down = true
  }

  rootfs {
    storage       = "local-lvm"
    size          = "900GiB"
    mount_options = ["discard", "noatime"]
  }

  startup {
    order = 2
  }
}

lxc "proxy-108" {
  vmid = 108
  tags = ["db", "prod"]

  memory    = "8GiB"
  cores     = 1
  cpu_units = 2048

  os_type = "archlinux"

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    mac       = "BC:24:11:B3:5C:A8"
    mtu       = 1400
    link_down = true
    address   = "manual"
    address6  = "dhcp"
  }

  rootfs {
    storage   = "ceph"
    size      = "900GiB"
    quota     = true
    replicate = false
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "ceph"
    size          = "900GiB"
    mount_options = ["nodev", "noexec"]
  }

  mount "mp1" {
    path      = "/data1"
    storage   = "local-lvm"
    size      = "900GiB"
    acl       = true
    read_only = true
  }

  mount "mp2" {
    path      = "/data2"
    storage   = "local"
    size      = "900GiB"
    acl       = true
    read_only = true
  }

  device "dev0" {
    path = "/dev/net/tun"
  }
}

lxc "proxy-110" {
  vmid        = 110
  description = <<EOT
# heading

* 日本語
* emoji 🚀
EOT

  memory = "128MiB"
  swap   = "0MiB"

  protection   = true
  unprivileged = true
  os_type      = "ubuntu"

  network "net0" {
    name     = "eth0"
    bridge   = "vmbr0"
    mac      = "BC:24:11:E9:24:EC"
    firewall = true
    mtu      = 1400
  }

  network "net1" {
    name     = "eth1"
    mac      = "BC:24:11:39:94:73"
    vlan     = 2726
    rate     = 12.5
    mtu      = 1400
    address6 = "dhcp"
  }

  rootfs {
    storage = "ceph"
    size    = "900GiB"
  }

  mount "mp0" {
    path      = "/data0"
    storage   = "ceph"
    size      = "900GiB"
    replicate = false
  }

  mount "mp2" {
    path          = "/data1"
    storage       = "ceph"
    size          = "900GiB"
    replicate     = false
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }

  mount "mp4" {
    path          = "/data2"
    storage       = "local"
    size          = "900GiB"
    replicate     = false
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }
}

vm "app-107" {
  vmid        = 107
  tags        = ["a", "b-2", "c_3", "d.4"]
  description = <<EOT
line one
line two: with colon
EOT

  memory    = "64GiB"
  cores     = 16
  cpu       = "x86-64-v2-AES"
  cpu_limit = 0.5

  os_type    = "l26"
  boot_order = ["ide2", "scsi2", "scsi0", "scsi6"]

  network "net0" {
    address6 = "fd00::10/64"
    gateway6 = "fd00::1"
  }

  network "net1" {
    address6 = "fd00::10/64"
    gateway6 = "fd00::1"
  }

  disk "scsi0" {
    storage   = "ceph"
    size      = "900GiB"
    iothread  = true
    backup    = false
    replicate = false
    serial    = "SN107"
    write_ops = 1000
  }

  disk "scsi2" {
    storage    = "local"
    size       = "900GiB"
    cache      = "writethrough"
    ssd        = true
    iothread   = true
    read_limit = 100
    write_ops  = 1000
  }

  disk "scsi6" {
    storage = "ceph"
    size    = "900GiB"
    discard = true
    ssd     = true
    aio     = "native"
  }

  cdrom "ide2" {
    file = "local:iso/debian-12.9.0-amd64-netinst.iso"
  }

  cloud_init {
    user          = "admin"
    ssh_keys      = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1 a@b"]
    search_domain = "example.net"
  }

  usb "usb0" {
    mapping = "stick"
    usb3    = true
  }
}

vm "cache-105" {
  vmid        = 105
  description = "https://wiki.example.net/x?y=1&z=2"

  memory = "8GiB"
  shares = 500
  cores  = 4
  cpu    = "x86-64-v3"

  bios       = "ovmf"
  os_type    = "l26"
  boot_order = ["net0"]

  network "net0" {
    model    = "virtio"
    mac      = "BC:24:11:8C:6C:74"
    vlan     = 3893
    trunks   = ["10", "20", "30-40"]
    firewall = true
  }

  disk "sata0" {
    storage = "ceph"
    size    = "900GiB"
    discard = true
    backup  = false
  }

  disk "sata1" {
    storage   = "local"
    size      = "900GiB"
    discard   = true
    serial    = "SN105"
    write_ops = 1000
  }

  efi_disk {
    storage = "ceph"
  }
}

vm "srv103-example-net" {
  vmid = 103
  name = "srv103.example.net"
  tags = ["a", "b-2", "c_3", "d.4"]

  memory    = "8GiB"
  cores     = 16
  cpu       = "host"
  cpu_units = 2048

  onboot        = true
  affinity      = "0,2,4-6"
  scsi_hardware = "virtio-scsi-single"
  keyboard      = "de"
  os_type       = "win11"
  agent         = true

  network "net0" {
    model    = "virtio"
    mac      = "BC:24:11:DB:7A:FE"
    firewall = true
    mtu      = 1
    address  = "10.0.9.9/16"
    gateway  = "10.0.0.1"
  }

  network "net1" {
    model  = "rtl8139"
    mac    = "BC:24:11:2F:C6:E7"
    vlan   = 3111
    rate   = 1.5
    mtu    = 1
    queues = 4
  }

  network "net2" {
    model  = "virtio"
    mac    = "BC:24:11:4D:0D:BB"
    bridge = "vmbr1"
    trunks = ["10", "20", "30-40"]
    rate   = 100
    queues = 4
  }

  disk "virtio0" {
    storage    = "local"
    size       = "900GiB"
    cache      = "writethrough"
    discard    = true
    aio        = "native"
    replicate  = false
    serial     = "SN103"
    read_limit = 12.5
  }

  cloud_init {
    drive   = "ide2"
    storage = "local-lvm"
    user    = "admin"
    # password is set; Proxmox does not tell it
    ssh_keys    = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1 a@b"]
    nameservers = ["1.1.1.1"]
  }

  pci "hostpci0" {
    mapping = "gpu"
    pcie    = true
    rombar  = false
  }
}

vm "web-109" {
  vmid = 109
  tags = ["a", "b-2", "c_3", "d.4"]

  memory    = "2GiB"
  cores     = 4
  cpu       = "x86-64-v3"
  cpu_limit = 0.5
  cpu_units = 2048

  hookscript    = "local:snippets/hook.pl"
  scsi_hardware = "pvscsi"
  os_type       = "l26"
  boot_order    = ["scsi1", "net2", "scsi0", "net1", "ide2", "net0"]
  agent         = true

  network "net0" {
    model    = "virtio"
    mac      = "BC:24:11:5A:68:6C"
    bridge   = "vmbr1"
    trunks   = ["10", "20", "30-40"]
    address6 = "fd00::10/64"
    gateway6 = "fd00::1"
  }

  network "net1" {
    model    = "virtio"
    mac      = "BC:24:11:08:1C:E5"
    vlan     = 3782
    firewall = true
    rate     = 100
    queues   = 4
  }

  network "net2" {
    model    = "rtl8139"
    mac      = "BC:24:11:6C:BA:CE"
    firewall = true
    rate     = 1.5
    mtu      = 1
  }

  disk "scsi0" {
    storage    = "local-lvm"
    size       = "900GiB"
    iothread   = true
    aio        = "native"
    backup     = false
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "scsi1" {
    storage = "local"
    size    = "900GiB"
    ssd     = true
    aio     = "native"
  }

  cloud_init {
    drive   = "ide2"
    storage = "local-lvm"
    user    = "admin"
    upgrade = false
    custom  = "vendor=local:snippets/hook.pl,user=local:snippets/hook.pl"
  }

  vga {
    memory = "32MiB"
  }
}

vm "win-106" {
  vmid        = 106
  name        = "WIN-106"
  description = "100% = all; a,b \"quoted\""

  memory = "1GiB"
  cores  = 16

  affinity               = "0,2,4-6"
  machine                = "q35"
  viommu                 = "virtio"
  os_type                = "win10"
  boot_order             = ["virtio0", "ide2"]
  agent                  = true
  agent_freeze_on_backup = false

  network "net0" {
    address6 = "fd00::10/64"
    gateway6 = "fd00::1"
  }

  disk "virtio0" {
    storage    = "local"
    size       = "900GiB"
    discard    = true
    iothread   = true
    aio        = "native"
    replicate  = false
    serial     = "SN106"
    read_limit = 12.5
  }

  cloud_init {
    drive   = "ide2"
    storage = "local-lvm"
    user    = "ubuntu"
    # password is set; Proxmox does not tell it
    nameservers = ["1.1.1.1"]
    type        = "nocloud"
  }

  serial "serial0" {
    device = "socket"
  }

  watchdog {
    model  = "ib700"
    action = "poweroff"
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

vm "app-100" {
  vmid        = 100
  pool        = "test"
  tags        = ["a", "b-2", "c_3", "d.4"]
  description = "https://wiki.example.net/x?y=1&z=2"

  memory    = "8GiB"
  cores     = 16
  cpu       = "host"
  cpu_units = 50
  numa      = true

  bios       = "ovmf"
  os_type    = "win10"
  boot_order = ["sata1", "net0"]

  network "net0" {
    model    = "vmxnet3"
    mac      = "BC:24:11:CA:E9:1B"
    vlan     = 2261
    trunks   = ["10", "20", "30-40"]
    firewall = true
    mtu      = 1
    queues   = 4
  }

  disk "sata0" {
    storage    = "local-lvm"
    size       = "900GiB"
    cache      = "writethrough"
    ssd        = true
    aio        = "native"
    serial     = "SN100"
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "sata1" {
    storage    = "local-lvm"
    size       = "900GiB"
    ssd        = true
    backup     = false
    replicate  = false
    serial     = "SN100"
    read_limit = 100
  }

  efi_disk {
    storage = "local-lvm"
    type    = "4m"
  }

  tpm {
    storage = "ceph"
    version = "v2.0"
  }
}
