// Command npmfile takes one file out of a package of the npm registry, whose archive has
// the sum that is given: the tests of the page run axe-core, and need no npm for it.
//
//	npmfile URL SHA256 NAME FILE
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: npmfile URL SHA256 NAME FILE")
		os.Exit(64)
	}
	if err := take(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "npmfile:", err)
		os.Exit(1)
	}
}

func take(url, sum, name, file string) error {
	client := &http.Client{Timeout: time.Minute}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	archive, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return err
	}
	if got := sha256.Sum256(archive); hex.EncodeToString(got[:]) != sum {
		return fmt.Errorf("%s has another sum than the one that is pinned: %x", url, got)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for files := tar.NewReader(unpacked); ; {
		h, err := files.Next()
		if err != nil {
			return fmt.Errorf("%s holds no %s: %w", url, name, err)
		}
		if h.Name != name {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, text, 0o644)
	}
}
