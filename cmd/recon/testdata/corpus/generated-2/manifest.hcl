# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "ct-108" {
  vmid = 108
  tags = ["corpus"]

  memory = "8GiB"
  swap   = "0MiB"
  cores  = 1

  onboot       = true
  unprivileged = true
  os_type      = "unmanaged"
  features     = ["keyctl", "mknod", "nesting"]

  network "net0" {
    name      = "eth0"
    bridge    = "vmbr0"
    mtu       = 1400
    link_down = true
    address   = "dhcp"
  }

  network "net1" {
    name      = "eth1"
    vlan      = 1202
    rate      = 12.5
    link_down = true
    address   = "manual"
  }

  rootfs {
    storage   = "ceph"
    size      = "1536MiB"
    quota     = true
    replicate = false
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "local"
    size          = "8GiB"
    acl           = true
    replicate     = false
    mount_options = ["nodev", "noexec"]
  }

  mount "mp2" {
    path      = "/data2"
    backup    = true
    storage   = "local"
    size      = "1GiB"
    acl       = true
    replicate = false
  }
}

lxc "mail-example-100" {
  vmid = 100
  name = "mail.example-100"
  tags = ["corpus"]

  memory    = "2GiB"
  cores     = 8
  cpu_units = 50

  unprivileged = true
  os_type      = "ubuntu"

  network "net0" {
    name     = "eth0"
    bridge   = "vmbr0"
    vlan     = 579
    firewall = true
    address  = "10.20.0.101/16"
  }

  network "net1" {
    name      = "eth1"
    bridge    = "vmbr0"
    vlan      = 2086
    mtu       = 1400
    link_down = true
  }

  rootfs {
    storage = "local"
    size    = "8GiB"
  }
}

lxc "mail-example-102" {
  vmid        = 102
  name        = "mail.example-102"
  description = "Büro – Drucker"

  memory    = "16MiB"
  swap      = "0MiB"
  cores     = 2
  cpu_units = 2048

  search_domain = "example.net"
  os_type       = "alpine"
  features      = ["fuse", "nesting"]
  tty           = 0

  network "net0" {
    name      = "eth0"
    mac       = "bc:24:11:ce:8c:61"
    link_down = true
    address6  = "fd00::5/64"
  }

  network "net1" {
    name     = "eth1"
    vlan     = 2891
    firewall = true
    address  = "manual"
    address6 = "auto"
  }

  rootfs {
    storage   = "ceph"
    size      = "4GiB"
    quota     = true
    replicate = false
  }

  mount "mp0" {
    path      = "/data0"
    storage   = "local-lvm"
    size      = "32GiB"
    acl       = true
    read_only = true
  }

  device "dev0" {
    path = "/dev/dri/renderD128"
    gid  = 104
  }
}

lxc "proxy-106" {
  vmid = 106
  tags = ["corpus"]

  memory = "512MiB"
  cores  = 2

  onboot        = true
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "alpine"

  network "net0" {
    name     = "eth0"
    mac      = "BC:24:11:4D:85:8A"
    vlan     = 25
    address  = "10.20.0.107/16"
    address6 = "fd00::5/64"
  }

  network "net1" {
    name      = "eth1"
    bridge    = "vmbr0"
    vlan      = 3052
    link_down = true
    address6  = "dhcp"
  }

  rootfs {
    storage       = "ceph"
    size          = "1536MiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path      = "/data0"
    storage   = "ceph"
    size      = "100GiB"
    replicate = false
    read_only = true
  }

  mount "mp2" {
    path          = "/data1"
    backup        = true
    storage       = "ceph"
    size          = "32GiB"
    acl           = true
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }

  mount "mp4" {
    path      = "/data2"
    backup    = true
    storage   = "ceph"
    size      = "4GiB"
    replicate = false
    read_only = true
  }
}

lxc "proxy-110" {
  vmid = 110

  memory = "16MiB"
  swap   = "0MiB"

  hookscript   = "local:snippets/hook.pl"
  unprivileged = true
  os_type      = "alpine"
  timezone     = "host"

  network "net0" {
    name      = "eth0"
    mac       = "BC:24:11:80:F0:13"
    vlan      = 375
    firewall  = true
    rate      = 12.5
    link_down = true
  }

  network "net1" {
    name      = "eth1"
    firewall  = true
    rate      = 12.5
    link_down = true
    address   = "dhcp"
  }

  rootfs {
    storage = "ceph"
    size    = "8GiB"
  }
}

vm "app-109" {
  vmid = 109

  memory = "8GiB"
  cores  = 1
  numa   = true

  onboot     = true
  bios       = "ovmf"
  os_type    = "l24"
  boot_order = ["sata2"]

  network "net0" {
    model  = "virtio"
    mac    = "BC:24:11:C4:9F:6E"
    bridge = "vmbr0"
    vlan   = 846
    mtu    = 1
  }

  disk "sata0" {
    storage   = "local-lvm"
    size      = "1536MiB"
    backup    = false
    replicate = false
  }

  disk "sata1" {
    storage    = "local-lvm"
    size       = "8GiB"
    ssd        = true
    aio        = "native"
    replicate  = false
    serial     = "SN109"
    read_limit = 100
    write_ops  = 1000
  }

  disk "sata2" {
    storage    = "ceph"
    size       = "1GiB"
    cache      = "writeback"
    discard    = true
    ssd        = true
    replicate  = false
    read_limit = 100
    write_ops  = 1000
  }

  efi_disk {
    storage           = "local"
    type              = "4m"
    pre_enrolled_keys = true
  }

  tpm {
    storage = "local"
    version = "v2.0"
  }
}

vm "cache-107" {
  vmid        = 107
  description = "web server"

  memory  = "8GiB"
  cores   = 4
  sockets = 2

  onboot        = true
  bios          = "ovmf"
  machine       = "pc-q35-9.2+pve1"
  scsi_hardware = "virtio-scsi-pci"
  keyboard      = "de"
  os_type       = "l24"
  boot_order    = ["scsi0", "ide2"]
  agent         = true
  agent_fstrim  = true

  network "net0" {
    address6 = "fd00::10/64"
    gateway6 = "fd00::1"
  }

  network "net1" {
    address  = "dhcp"
    address6 = "auto"
  }

  disk "scsi0" {
    storage    = "ceph"
    size       = "2TiB"
    iothread   = true
    aio        = "native"
    read_limit = 12.5
    write_ops  = 1000
  }

  efi_disk {
    storage           = "local"
    type              = "4m"
    pre_enrolled_keys = true
  }

  tpm {
    storage = "local"
    version = "v2.0"
  }

  cloud_init {
    drive   = "ide2"
    storage = "local-lvm"
    # password is set; Proxmox does not tell it
    ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1 a@b"]
  }
}

vm "db-103" {
  vmid = 103

  memory = "4GiB"
  shares = 500
  cores  = 4
  cpu    = "x86-64-v3"
  numa   = true

  affinity   = "0,2,4-6"
  bios       = "ovmf"
  machine    = "q35"
  os_type    = "l24"
  boot_order = ["scsi2", "scsi1", "net0"]
  local_time = true

  network "net0" {
    model  = "virtio"
    mac    = "BC:24:11:5F:D3:90"
    bridge = "vmbr1"
    rate   = 100
    mtu    = 1
    queues = 4
  }

  disk "scsi0" {
    storage   = "local"
    size      = "2TiB"
    aio       = "native"
    replicate = false
  }

  disk "scsi1" {
    storage    = "local"
    size       = "1536MiB"
    discard    = true
    ssd        = true
    iothread   = true
    aio        = "native"
    backup     = false
    serial     = "SN103"
    read_limit = 100
  }

  disk "scsi2" {
    storage   = "local-lvm"
    size      = "2TiB"
    cache     = "writethrough"
    ssd       = true
    replicate = false
  }

  efi_disk {
    storage           = "ceph"
    type              = "4m"
    pre_enrolled_keys = true
  }

  tpm {
    storage = "ceph"
    version = "v2.0"
  }
}

vm "srv111-example-net" {
  vmid = 111
  name = "srv111.example.net"
  tags = ["corpus"]

  memory    = "512MiB"
  cores     = 4
  cpu_flags = ["+spec-ctrl"]

  os_type = "l26"
  agent   = true

  disk "scsi0" {
    storage  = "local"
    size     = "32GiB"
    ssd      = true
    iothread = true
    aio      = "native"
  }

  startup {
    order = 4
    up    = 30
    down  = 60
  }

  serial "serial0" {
    device = "socket"
  }
}

vm "web-105" {
  vmid = 105

  memory    = "2GiB"
  cores     = 4
  cpu_units = 50

  os_type      = "l26"
  agent        = true
  agent_fstrim = true

  network "net0" {
    model    = "virtio"
    mac      = "BC:24:11:F6:01:05"
    vlan     = 3292
    mtu      = 1
    address6 = "fd00::10/64"
    gateway6 = "fd00::1"
  }

  network "net1" {
    address = "10.0.0.106/16"
    gateway = "10.0.0.1"
  }

  disk "scsi0" {
    storage    = "ceph"
    size       = "1536MiB"
    aio        = "native"
    read_limit = 12.5
  }

  disk "scsi2" {
    storage    = "local"
    size       = "8GiB"
    discard    = true
    aio        = "native"
    replicate  = false
    read_limit = 12.5
  }

  disk "scsi10" {
    storage    = "local-lvm"
    size       = "8GiB"
    iothread   = true
    serial     = "SN105"
    read_limit = 100
    write_ops  = 1000
  }

  cdrom "ide2" {
    file = "local:iso/debian-12.9.0-amd64-netinst.iso"
  }

  cloud_init {
    user        = "ubuntu"
    ssh_keys    = ["ssh-rsa AAAAB3Nza+b/== x", "ssh-ed25519 AAAA y"]
    nameservers = ["1.1.1.1"]
  }

  startup {
    down = 120
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "mail-example-101" {
  vmid        = 101
  name        = "mail.example-101"
  pool        = "test"
  description = "web server"

  memory    = "512MiB"
  cores     = 8
  cpu_units = 50

  onboot        = true
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "archlinux"
  timezone      = "host"

  network "net0" {
    name     = "eth0"
    mac      = "BC:24:11:C8:AF:CF"
    firewall = true
    address  = "dhcp"
    address6 = "dhcp"
  }

  network "net1" {
    name      = "eth1"
    bridge    = "vmbr0"
    mtu       = 1400
    link_down = true
    address6  = "auto"
  }

  rootfs {
    storage       = "local"
    size          = "100GiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path          = "/data0"
    storage       = "local-lvm"
    size          = "2TiB"
    acl           = true
    replicate     = false
    mount_options = ["nodev", "noexec"]
  }

  mount "mp2" {
    path          = "/data1"
    backup        = true
    storage       = "ceph"
    size          = "1536MiB"
    read_only     = true
    mount_options = ["nodev", "noexec"]
  }

  mount "mp4" {
    path          = "/data2"
    storage       = "ceph"
    size          = "4GiB"
    mount_options = ["nodev", "noexec"]
  }

  startup {
    order = 3
    up    = 5
  }
}

vm "win-104" {
  vmid = 104
  name = "WIN-104"
  pool = "test"
  tags = ["corpus"]

  memory    = "64GiB"
  cores     = 4
  cpu_flags = ["+spec-ctrl"]
  numa      = true

  affinity      = "0-3"
  machine       = "pc-q35-9.2+pve1"
  scsi_hardware = "pvscsi"
  os_type       = "win11"
  agent         = true

  network "net0" {
    address = "10.0.0.105/16"
    gateway = "10.0.0.1"
  }

  network "net1" {
    address = "10.0.0.105/16"
    gateway = "10.0.0.1"
  }

  disk "ide0" {
    storage    = "local-lvm"
    size       = "4GiB"
    discard    = true
    aio        = "native"
    read_limit = 100
  }

  disk "ide1" {
    storage    = "local"
    size       = "2TiB"
    cache      = "writeback"
    ssd        = true
    aio        = "native"
    backup     = false
    serial     = "SN104"
    read_limit = 12.5
  }

  disk "ide2" {
    storage = "local"
    size    = "1GiB"
    aio     = "native"
  }

  cloud_init {
    user        = "admin"
    ssh_keys    = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1 a@b"]
    nameservers = ["2606:4700:4700::1111"]
    custom      = "vendor=local:snippets/hook.pl,user=local:snippets/hook.pl"
  }

  usb "usb0" {
    device = "spice"
    usb3   = true
  }
}
