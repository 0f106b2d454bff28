package api

import "recon/providers"

// Caught runs a function and makes an error of its panic.
func Caught(do func() error) error { return providers.Caught(do) }
