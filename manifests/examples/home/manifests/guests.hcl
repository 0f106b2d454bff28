vm "gitlab" {
  vmid    = 106
  cores   = 2
  memory  = "8GiB"
  tags    = ["devops"]
  purpose = "GitLab"

  network "net0" {
    bridge  = "vmbr0"
    vlan    = 40
    address = "192.168.40.23/24"
    gateway = "192.168.40.1"
  }

  disk "scsi0" {
    storage = "VMDisks"
    size    = "20GiB"
  }

  create {
    clone = "tpl-ubuntu-24.04"
    full  = true
  }
}

lxc "docker-media" {
  vmid   = 205
  cores  = 4
  memory = "8GiB"

  ignore "description" {
    until  = "2027-01-01"
    reason = "notes are written by hand"
  }
}

vm "pbs" {
  vmid    = 150
  onboot  = true
  purpose = "backups of everything"

  protect = true
}
