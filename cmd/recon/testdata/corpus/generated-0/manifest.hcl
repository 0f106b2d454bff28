# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "proxy-101" {
  vmid        = 101
  description = "Büro – Drucker"

  memory = "3GiB"
  swap   = "0MiB"
  cores  = 2

  unprivileged = true
  os_type      = "unmanaged"
  features     = ["fuse", "nesting"]

  network "net0" {
    name     = "eth0"
    mac      = "bc:24:11:a6:ce:46"
    firewall = true
    mtu      = 1400
    address  = "manual"
    address6 = "dhcp"
  }

  rootfs {
    storage       = "local"
    size          = "100GiB"
    mount_options = ["discard", "noatime"]
  }
}

lxc "proxy-103" {
  vmid        = 103
  tags        = ["docker", "media", "nas"]
  description = "Büro – Drucker"

  memory = "3GiB"

  nameservers  = ["1.1.1.1"]
  unprivileged = true
  os_type      = "unmanaged"

  network "net0" {
    name    = "eth0"
    vlan    = 1497
    mtu     = 1400
    address = "dhcp"
  }

  network "net1" {
    name      = "eth1"
    bridge    = "vmbr0"
    mac       = "BC:24:11:78:A3:DA"
    vlan      = 514
    firewall  = true
    rate      = 12.5
    mtu       = 1400
    link_down = true
    address   = "dhcp"
  }

  rootfs {
    storage       = "local-lvm"
    size          = "2TiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path    = "/data0"
    storage = "local"
    size    = "1536MiB"
  }

  mount "mp2" {
    path      = "/data2"
    storage   = "local-lvm"
    size      = "2TiB"
    acl       = true
    replicate = false
    read_only = true
  }
}

vm "cache-110" {
  vmid        = 110
  description = "Büro – Drucker"

  memory = "3GiB"
  cores  = 4
  vcpus  = 1

  affinity = "0-3"
  machine  = "q35"
  viommu   = "virtio"
  os_type  = "win11"
  agent    = true

  disk "scsi0" {
    storage    = "local"
    size       = "1536MiB"
    iothread   = true
    aio        = "native"
    replicate  = false
    serial     = "SN110"
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "scsi1" {
    storage   = "local"
    size      = "32GiB"
    ssd       = true
    backup    = false
    replicate = false
    serial    = "SN110"
    write_ops = 1000
  }

  disk "scsi14" {
    storage    = "local"
    size       = "100GiB"
    ssd        = true
    aio        = "native"
    backup     = false
    serial     = "SN110"
    read_limit = 12.5
    write_ops  = 1000
  }

  vga {
    memory = "32MiB"
  }

  pci "hostpci0" {
    mapping = "gpu"
    pcie    = true
    rombar  = false
  }

  rng {
    source = "/dev/urandom"
  }
}

vm "db-105" {
  vmid = 105

  memory    = "3GiB"
  cores     = 2
  cpu_limit = 1

  machine       = "q35"
  viommu        = "virtio"
  scsi_hardware = "pvscsi"
  os_type       = "win11"
  boot_order    = ["net1", "scsi0", "net2", "scsi2"]
  agent         = true
  agent_fstrim  = true

  network "net0" {
    model     = "vmxnet3"
    mac       = "bc:24:11:fb:ad:d0"
    trunks    = ["10", "20", "30-40"]
    rate      = 100
    link_down = true
    address   = "dhcp"
    address6  = "auto"
  }

  network "net1" {
    model    = "e1000"
    mac      = "BC:24:11:7E:01:C3"
    firewall = true
    rate     = 1.5
  }

  network "net2" {
    model  = "virtio"
    mac    = "BC:24:11:44:A0:FF"
    bridge = "vmbr0"
    trunks = ["10", "20", "30-40"]
    rate   = 100
    queues = 4
  }

  disk "scsi0" {
    storage    = "local-lvm"
    size       = "4GiB"
    ssd        = true
    iothread   = true
    aio        = "native"
    serial     = "SN105"
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "scsi1" {
    storage   = "local-lvm"
    size      = "8GiB"
    ssd       = true
    iothread  = true
    replicate = false
    serial    = "SN105"
  }

  disk "scsi2" {
    storage    = "local"
    size       = "100GiB"
    cache      = "writeback"
    discard    = true
    iothread   = true
    replicate  = false
    read_limit = 12.5
  }

  cdrom "ide2" {
    file = "none"
  }

  cloud_init {
    user = "admin"
  }

  vga {
    type   = "virtio"
    memory = "64MiB"
  }

  pci "hostpci0" {
    mapping     = "gpu"
    pcie        = true
    primary_gpu = true
  }
}

vm "db-106" {
  vmid = 106
  tags = ["db", "prod"]

  memory = "3GiB"
  cores  = 16

  scsi_hardware = "pvscsi"
  os_type       = "l26"
  boot_order    = ["scsi0", "net0"]
  kvm           = false
  agent         = true
  agent_fstrim  = true

  network "net0" {
    model    = "rtl8139"
    mac      = "BC:24:11:DF:B2:00"
    bridge   = "vmbr0"
    vlan     = 1853
    trunks   = ["10", "20", "30-40"]
    firewall = true
    rate     = 1.5
    mtu      = 1
  }

  disk "scsi0" {
    storage   = "ceph"
    size      = "2TiB"
    iothread  = true
    aio       = "native"
    replicate = false
    serial    = "SN106"
  }

  startup {
    order = 4
    up    = 30
    down  = 60
  }
}

vm "node-a-102" {
  vmid = 102

  memory    = "3GiB"
  shares    = 2000
  cores     = 1
  cpu_limit = 0.5
  cpu_units = 50

  scsi_hardware = "virtio-scsi-single"
  os_type       = "l26"
  boot_order    = ["sata1", "sata2"]
  agent         = true

  network "net0" {
    model    = "virtio"
    mac      = "BC:24:11:D0:73:E1"
    firewall = true
    rate     = 100
    mtu      = 1
    queues   = 4
    address  = "10.0.0.103/16"
    gateway  = "10.0.0.1"
  }

  network "net1" {
    address = "10.0.0.103/16"
    gateway = "10.0.0.1"
  }

  disk "sata0" {
    storage    = "local-lvm"
    size       = "1536MiB"
    cache      = "writeback"
    replicate  = false
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "sata1" {
    storage   = "local-lvm"
    size      = "1GiB"
    discard   = true
    ssd       = true
    replicate = false
  }

  disk "sata2" {
    storage   = "ceph"
    size      = "1GiB"
    discard   = true
    backup    = false
    replicate = false
    write_ops = 1000
  }

  cdrom "ide2" {
    file = "none"
  }

  cloud_init {
    user          = "ubuntu"
    nameservers   = ["192.168.90.53", "1.1.1.1"]
    search_domain = "example.net"
    type          = "nocloud"
  }

  startup {
    order = 2
  }

  rng {
    source = "/dev/urandom"
  }

  virtiofs "virtiofs0" {
    directory = "share"
    direct_io = true
  }
}

vm "node-a-111" {
  vmid        = 111
  tags        = ["db", "prod"]
  description = "Büro – Drucker"

  memory    = "3GiB"
  cpu_units = 2048

  bios         = "ovmf"
  os_type      = "win10"
  boot_order   = ["net1", "net0", "ide0", "ide1", "ide2"]
  start_date   = "2006-06-17T16:01:21"
  agent        = true
  agent_fstrim = true

  network "net0" {
    model   = "virtio"
    mac     = "BC:24:11:12:18:AC"
    bridge  = "vmbr0"
    trunks  = ["10", "20", "30-40"]
    rate    = 100
    mtu     = 1
    address = "dhcp"
  }

  network "net1" {
    model     = "virtio"
    mac       = "BC:24:11:7D:FC:AB"
    bridge    = "vmbr1"
    firewall  = true
    rate      = 100
    queues    = 4
    link_down = true
    address6  = "fd00::10/64"
    gateway6  = "fd00::1"
  }

  disk "ide0" {
    storage    = "local-lvm"
    size       = "2TiB"
    ssd        = true
    aio        = "native"
    replicate  = false
    serial     = "SN111"
    read_limit = 100
    write_ops  = 1000
  }

  disk "ide1" {
    storage    = "local"
    size       = "1GiB"
    ssd        = true
    replicate  = false
    read_limit = 100
    write_ops  = 1000
  }

  disk "ide2" {
    storage    = "local"
    size       = "32GiB"
    ssd        = true
    aio        = "native"
    serial     = "SN111"
    read_limit = 100
    write_ops  = 1000
  }

  efi_disk {
    storage = "local"
  }

  tpm {
    storage = "ceph"
    version = "v2.0"
  }

  cloud_init {
    user = "ubuntu"
    # password is set; Proxmox does not tell it
    ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1 a@b"]
    upgrade  = false
  }
}

vm "srv107-example-net" {
  vmid = 107
  name = "srv107.example.net"

  memory    = "3GiB"
  cores     = 16
  sockets   = 2
  cpu       = "host"
  cpu_flags = ["+aes", "-pcid"]

  scsi_hardware = "pvscsi"
  os_type       = "l26"
  boot_order    = ["scsi0"]

  network "net0" {
    model  = "rtl8139"
    mac    = "BC:24:11:B6:41:A8"
    bridge = "vmbr0"
    mtu    = 1
  }

  disk "scsi0" {
    storage    = "local-lvm"
    size       = "1536MiB"
    iothread   = true
    backup     = false
    replicate  = false
    serial     = "SN107"
    read_limit = 12.5
  }

  disk "scsi2" {
    storage = "ceph"
    size    = "1536MiB"
    ssd     = true
    aio     = "native"
  }

  disk "scsi14" {
    storage   = "local-lvm"
    size      = "32GiB"
    iothread  = true
    replicate = false
    serial    = "SN107"
  }

  startup {
    order = 2
  }
}

vm "win-108" {
  vmid        = 108
  name        = "WIN-108"
  tags        = ["docker", "media", "nas"]
  description = "100% = all; a,b \"quoted\""

  memory  = "3GiB"
  cores   = 4
  cpu     = "host"
  numa    = true

  onboot        = true
  scsi_hardware = "pvscsi"
  os_type       = "l26"
  boot_order    = ["net2", "scsi6"]
  agent         = true
  agent_fstrim  = true

  network "net0" {
    model    = "e1000"
    mac      = "BC:24:11:BE:FE:36"
    bridge   = "vmbr1"
    trunks   = ["10", "20", "30-40"]
    address  = "dhcp"
    address6 = "auto"
  }

  network "net1" {
    model  = "virtio"
    mac    = "BC:24:11:8E:81:2E"
    bridge = "vmbr1"
    vlan   = 3904
  }

  network "net2" {
    model    = "virtio"
    mac      = "BC:24:11:6A:60:89"
    firewall = true
    queues   = 4
  }

  disk "scsi0" {
    storage    = "local"
    size       = "2TiB"
    cache      = "writeback"
    discard    = true
    ssd        = true
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "scsi1" {
    storage    = "ceph"
    size       = "32GiB"
    ssd        = true
    iothread   = true
    aio        = "native"
    backup     = false
    read_limit = 100
  }

  disk "scsi6" {
    storage   = "local"
    size      = "8GiB"
    iothread  = true
    aio       = "native"
    write_ops = 1000
  }

  cloud_init {
    drive       = "ide2"
    storage     = "local-lvm"
    user        = "ubuntu"
    ssh_keys    = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1 a@b"]
    nameservers = ["1.1.1.1"]
    upgrade     = false
  }

  usb "usb0" {
    device = "spice"
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

vm "cache-100" {
  vmid        = 100
  pool        = "prod"
  description = "web server"

  memory    = "3GiB"
  cores     = 2
  cpu_limit = 1
  numa      = true

  bios          = "ovmf"
  scsi_hardware = "virtio-scsi-pci"
  os_type       = "l26"
  boot_order    = ["ide2", "sata0", "net1", "net0", "net2"]
  local_time    = false
  agent         = true

  network "net0" {
    model    = "e1000"
    mac      = "BC:24:11:2D:0A:B3"
    vlan     = 3133
    address  = "dhcp"
    address6 = "auto"
  }

  network "net1" {
    model    = "rtl8139"
    mac      = "BC:24:11:34:B1:41"
    firewall = true
    mtu      = 1
    address  = "dhcp"
  }

  network "net2" {
    model  = "virtio"
    mac    = "BC:24:11:B7:9B:C7"
    bridge = "vmbr1"
    trunks = ["10", "20", "30-40"]
    rate   = 100
    mtu    = 1
  }

  disk "sata0" {
    storage = "ceph"
    size    = "1536MiB"
    cache   = "writeback"
    discard = true
    ssd     = true
    serial  = "SN100"
  }

  efi_disk {
    storage = "ceph"
    type    = "4m"
  }

  cloud_init {
    drive   = "ide2"
    storage = "local-lvm"
    user    = "admin"
    # password is set; Proxmox does not tell it
    ssh_keys    = ["ssh-rsa AAAAB3Nza+b/== x", "ssh-ed25519 AAAA y"]
    nameservers = ["1.1.1.1"]
  }

  startup {
    down = 120
  }

  serial "serial0" {
    device = "socket"
  }

  spice {
    folder_sharing  = true
    video_streaming = "all"
  }
}

vm "win-104" {
  vmid        = 104
  name        = "WIN-104"
  pool        = "prod"
  tags        = ["db", "prod"]
  description = "web server"

  memory  = "3GiB"
  cores   = 2
  sockets = 2

  machine    = "q35"
  os_type    = "l24"
  boot_order = ["scsi1", "ide2", "scsi0", "scsi6"]

  network "net0" {
    address = "10.0.9.9/16"
    gateway = "10.0.0.1"
  }

  disk "scsi0" {
    storage    = "ceph"
    size       = "4GiB"
    cache      = "writethrough"
    iothread   = true
    aio        = "native"
    replicate  = false
    serial     = "SN104"
    read_limit = 100
  }

  disk "scsi1" {
    storage   = "ceph"
    size      = "1536MiB"
    cache     = "writethrough"
    ssd       = true
    aio       = "native"
    serial    = "SN104"
    write_ops = 1000
  }

  disk "scsi6" {
    storage    = "local"
    size       = "8GiB"
    aio        = "native"
    serial     = "SN104"
    read_limit = 12.5
    write_ops  = 1000
  }

  cloud_init {
    drive       = "ide2"
    storage     = "local-lvm"
    user        = "ubuntu"
    ssh_keys    = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1 a@b"]
    nameservers = ["1.1.1.1"]
  }

  vga {
    type = "serial0"
  }

  virtiofs "virtiofs0" {
    directory = "share"
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "dns-109" {
  vmid = 109
  pool = "test"

  memory = "3GiB"
  swap   = "0MiB"
  cores  = 8

  onboot        = true
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "archlinux"
  tty           = 0

  rootfs {
    storage = "local-lvm"
    size    = "2TiB"
  }
}
