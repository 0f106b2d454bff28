package pvesim

import (
	"net/url"
	"testing"
)

func schemaHook(t *testing.T, release string) func(string, string, url.Values) { return nil }
