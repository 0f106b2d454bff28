package home

import (
	"crypto/sha256"
	"encoding/hex"

	"recon/reconcile"

	"github.com/go-git/go-git/v5"
)

// Origin is what a plan of this world is made from.
func (w *World) Origin() reconcile.Origin {
	o := reconcile.Origin{Commit: commitOf(w.home.Root), Manifests: map[string]string{}}
	for name, f := range w.Project.Files {
		sum := sha256.Sum256(f.Bytes)
		o.Manifests[name] = hex.EncodeToString(sum[:])
	}
	return o
}

// commitOf is the commit that is checked out, "" when there is none.
func commitOf(root string) string {
	repo, err := git.PlainOpenWithOptions(root, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return ""
	}
	head, err := repo.Head()
	if err != nil {
		return ""
	}
	return head.Hash().String()
}
