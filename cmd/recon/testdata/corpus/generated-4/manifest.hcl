# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "ct-105" {
  vmid = 105
  tags = ["corpus"]

  memory    = "3GiB"
  swap      = "0MiB"
  cpu_units = 2048

  onboot       = true
  nameservers  = ["192.168.90.53", "1.1.1.1"]
  unprivileged = true
  os_type      = "ubuntu"
  timezone     = "host"

  network "net0" {
    name     = "eth0"
    vlan     = 77
    firewall = true
    rate     = 12.5
    mtu      = 1400
    address  = "10.20.0.106/16"
  }

  network "net1" {
    name     = "eth1"
    firewall = true
    mtu      = 1400
    address  = "10.20.0.106/16"
  }

  rootfs {
    storage = "local"
    size    = "900GiB"
  }
}

lxc "mail-example-104" {
  vmid        = 104
  name        = "mail.example-104"
  tags        = ["corpus"]
  description = "web server"

  memory = "3GiB"

  hookscript   = "local:snippets/hook.pl"
  nameservers  = ["1.1.1.1"]
  unprivileged = true
  os_type      = "ubuntu"
  features     = ["keyctl", "nesting"]

  network "net0" {
    name      = "eth0"
    rate      = 12.5
    link_down = true
    address   = "10.20.0.105/16"
  }

  rootfs {
    storage = "ceph"
    size    = "900GiB"
  }

  device "dev0" {
    path = "/dev/net/tun"
  }

  startup {
    order = 4
    up    = 30
    down  = 60
  }
}

lxc "mail-example-111" {
  vmid = 111
  name = "mail.example-111"
  tags = ["corpus"]

  memory    = "3GiB"
  cores     = 8
  cpu_limit = 1

  onboot   = true
  os_type  = "alpine"
  features = ["nesting"]

  network "net0" {
    name     = "eth0"
    mac      = "bc:24:11:a6:e4:46"
    firewall = true
    address  = "dhcp"
  }

  network "net1" {
    name     = "eth1"
    bridge   = "vmbr0"
    firewall = true
    rate     = 12.5
    address6 = "fd00::5/64"
  }

  rootfs {
    storage   = "local"
    size      = "900GiB"
    quota     = true
    replicate = false
  }

  mount "mp0" {
    path      = "/data0"
    storage   = "local-lvm"
    size      = "900GiB"
    replicate = false
    read_only = true
  }
}

vm "db-108" {
  vmid = 108
  tags = ["corpus"]

  memory = "3GiB"
  shares = 2000
  cores  = 2
  vcpus  = 2
  numa   = true

  scsi_hardware = "virtio-scsi-pci"
  os_type       = "l26"

  network "net0" {
    model     = "e1000"
    mac       = "BC:24:11:38:FC:BB"
    bridge    = "vmbr0"
    queues    = 4
    link_down = true
    address   = "dhcp"
  }

  disk "ide0" {
    storage    = "local-lvm"
    size       = "900GiB"
    discard    = true
    aio        = "native"
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "ide1" {
    storage = "local"
    size    = "900GiB"
    cache   = "writeback"
    serial  = "SN108"
  }

  cloud_init {
    # password is set; Proxmox does not tell it
    nameservers = ["192.168.90.53", "1.1.1.1"]
  }

  startup {
    order = 2
  }

  usb "usb0" {
    mapping = "stick"
  }
}

vm "win-103" {
  vmid        = 103
  name        = "WIN-103"
  tags        = ["corpus"]
  description = "Büro – Drucker"

  memory  = "3GiB"
  cores   = 4

  bios          = "ovmf"
  scsi_hardware = "virtio-scsi-single"
  os_type       = "l26"
  boot_order    = ["net0"]

  network "net0" {
    model     = "rtl8139"
    mac       = "bc:24:11:b6:91:c8"
    vlan      = 77
    rate      = 100
    queues    = 4
    link_down = true
  }

  disk "scsi0" {
    storage = "ceph"
    size    = "900GiB"
    backup  = false
  }

  cdrom "ide2" {
    file = "none"
  }

  efi_disk {
    storage           = "local"
    type              = "4m"
    pre_enrolled_keys = true
  }

  startup {
    order = 4
    up    = 30
    down  = 60
  }

  rng {
    source = "/dev/urandom"
  }
}

vm "win-107" {
  vmid = 107
  name = "WIN-107"
  tags = ["corpus"]

  memory  = "3GiB"
  cores   = 2
  sockets = 2
  numa    = true

  os_type                = "l26"
  boot_order             = ["scsi2", "scsi17"]
  agent                  = true
  agent_freeze_on_backup = false

  network "net0" {
    address = "dhcp"
  }

  disk "scsi0" {
    storage    = "local"
    size       = "900GiB"
    cache      = "writethrough"
    discard    = true
    ssd        = true
    replicate  = false
    serial     = "SN107"
    read_limit = 12.5
    write_ops  = 1000
  }

  disk "scsi2" {
    storage    = "ceph"
    size       = "900GiB"
    ssd        = true
    backup     = false
    replicate  = false
    read_limit = 12.5
  }

  disk "scsi17" {
    storage    = "local"
    size       = "900GiB"
    serial     = "SN107"
    read_limit = 12.5
  }

  cloud_init {
    drive   = "ide2"
    storage = "local-lvm"
    # password is set; Proxmox does not tell it
    ssh_keys    = ["ssh-rsa AAAAB3Nza+b/== x", "ssh-ed25519 AAAA y"]
    nameservers = ["2606:4700:4700::1111"]
    custom      = "user=local:snippets/hook.pl"
  }
}

vm "win-109" {
  vmid        = 109
  name        = "WIN-109"
  tags        = ["corpus"]
  description = <<EOT
line one
line two: with colon
EOT

  memory  = "3GiB"
  cores   = 16
  cpu     = "host"

  onboot                 = true
  machine                = "q35"
  viommu                 = "virtio"
  scsi_hardware          = "virtio-scsi-single"
  os_type                = "l26"
  boot_order             = ["net0", "ide2"]
  acpi                   = false
  agent                  = true
  agent_freeze_on_backup = false

  network "net0" {
    model  = "virtio"
    mac    = "BC:24:11:6A:50:69"
    vlan   = 77
    queues = 4
  }

  disk "scsi0" {
    storage    = "local"
    size       = "900GiB"
    ssd        = true
    replicate  = false
    serial     = "SN109"
    read_limit = 12.5
  }

  cdrom "ide2" {
    file = "none"
  }

  vga {
    type = "qxl"
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "ct-106" {
  vmid        = 106
  pool        = "prod"
  description = "https://wiki.example.net/x?y=1&z=2"

  memory    = "3GiB"
  cores     = 2
  cpu_limit = 2.75

  onboot        = true
  search_domain = "example.net"
  unprivileged  = true
  os_type       = "unmanaged"
  features      = ["keyctl", "nesting"]
  console_mode  = "console"

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
    read_only = true
  }
}

vm "cache-100" {
  vmid = 100
  pool = "prod"

  memory    = "3GiB"
  cpu       = "host"
  cpu_limit = 0.5
  cpu_units = 50

  onboot                 = true
  bios                   = "ovmf"
  os_type                = "win10"
  boot_order             = ["ide2"]
  agent                  = true
  agent_freeze_on_backup = false

  disk "scsi0" {
    storage    = "local-lvm"
    size       = "900GiB"
    discard    = true
    aio        = "native"
    replicate  = false
    serial     = "SN100"
    read_limit = 12.5
    write_ops  = 1000
  }

  cdrom "ide2" {
    file = "none"
  }

  efi_disk {
    storage = "local"
    type    = "4m"
  }

  audio {
    device = "ich9-intel-hda"
    driver = "none"
  }

  rng {
    source = "/dev/urandom"
  }
}

vm "cache-102" {
  vmid = 102
  pool = "prod"

  memory    = "3GiB"
  cores     = 1
  cpu_flags = ["+spec-ctrl"]

  os_type    = "win10"
  boot_order = ["sata1", "net0", "sata0", "sata2", "net2", "net1"]
  local_time = true
  start_date = "2006-06-17T16:01:21"

  network "net0" {
    model  = "e1000"
    mac    = "BC:24:11:37:3D:6D"
    bridge = "vmbr0"
    vlan   = 77
    trunks = ["10", "20", "30-40"]
    mtu    = 1
    queues = 4
  }

  network "net1" {
    model = "virtio"
    mac   = "BC:24:11:14:B5:8B"
    vlan  = 77
  }

  network "net2" {
    model = "rtl8139"
    mac   = "BC:24:11:0F:D7:22"
    rate  = 100
  }

  disk "sata0" {
    storage   = "local"
    size      = "900GiB"
    cache     = "writeback"
    ssd       = true
    aio       = "native"
    replicate = false
  }

  disk "sata1" {
    storage    = "ceph"
    size       = "900GiB"
    serial     = "SN102"
    read_limit = 100
  }

  disk "sata2" {
    storage   = "ceph"
    size      = "900GiB"
    ssd       = true
    aio       = "native"
    replicate = false
    write_ops = 1000
  }
}
# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.

lxc "mail-example-110" {
  vmid = 110
  name = "mail.example-110"
  pool = "test"
  tags = ["corpus"]

  memory = "3GiB"
  cores  = 2

  nameservers  = ["192.168.90.53", "1.1.1.1"]
  unprivileged = true
  os_type      = "unmanaged"

  rootfs {
    storage       = "local-lvm"
    size          = "900GiB"
    mount_options = ["discard", "noatime"]
  }

  mount "mp0" {
    path      = "/data0"
    storage   = "ceph"
    size      = "900GiB"
    acl       = true
    replicate = false
  }

  mount "mp1" {
    path    = "/data1"
    storage = "local-lvm"
    size    = "900GiB"
  }
}

vm "win-101" {
  vmid = 101
  name = "WIN-101"
  pool = "test"

  memory    = "3GiB"
  cpu_units = 2048

  keyboard     = "de"
  os_type      = "l26"
  boot_order   = ["net1", "scsi0", "scsi1"]
  agent        = true
  agent_fstrim = true

  network "net0" {
    model     = "virtio"
    mac       = "BC:24:11:92:09:D6"
    vlan      = 77
    rate      = 1.5
    mtu       = 1
    link_down = true
  }

  network "net1" {
    model     = "virtio"
    mac       = "BC:24:11:E3:FE:7E"
    rate      = 100
    mtu       = 1
    link_down = true
  }

  network "net2" {
    model     = "rtl8139"
    mac       = "BC:24:11:29:20:55"
    trunks    = ["10", "20", "30-40"]
    rate      = 100
    link_down = true
  }

  disk "scsi0" {
    storage   = "local"
    size      = "900GiB"
    cache     = "writethrough"
    ssd       = true
    aio       = "native"
    replicate = false
    write_ops = 1000
  }

  disk "scsi1" {
    storage    = "local"
    size       = "900GiB"
    ssd        = true
    iothread   = true
    serial     = "SN101"
    read_limit = 100
  }

  vga {
    type = "none"
  }

  rng {
    source = "/dev/urandom"
  }
}
