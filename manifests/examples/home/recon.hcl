recon {
  required_version = ">= 0.1"
}

proxmox "home" {
  endpoints   = ["https://192.168.20.20:8006", "https://192.168.20.21:8006"] # the first that answers
  token       = env("PVE_TOKEN")                                             # user@realm!name=uuid
  fingerprint = "12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0"
}

context {
  claude_md   = "CLAUDE.md"
  session_log = ".claude/session-log.md"
}

schedule "drift" {
  cron     = "*/15 * * * *"
  timezone = "Europe/Berlin"
  action   = "drift"
}
