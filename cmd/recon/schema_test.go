package main

import "recon/providers/proxmox/pvesim/schemacheck"

// schemas holds every request of this package's tests against the official schema.
var schemas schemacheck.Cache
