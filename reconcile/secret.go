package reconcile

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"recon/inventory"
)

// HashSecret returns a salted hash under which a secret can be remembered: it
// tells whether a later value is the same one, and nothing else.
func HashSecret(secret string) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return "sha256:" + hex.EncodeToString(salt) + ":" + secretSum(salt, secret)
}

// SecretMatches reports whether a secret is the one that was hashed.
func SecretMatches(hash, secret string) bool {
	rest, ok := strings.CutPrefix(hash, "sha256:")
	saltHex, sum, ok2 := strings.Cut(rest, ":")
	salt, err := hex.DecodeString(saltHex)
	if !ok || !ok2 || err != nil {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(sum), []byte(secretSum(salt, secret))) == 1
}

func secretSum(salt []byte, secret string) string {
	// Many rounds, because a password of a home is short.
	sum := sha256.Sum256(append(salt, secret...))
	for range 50_000 {
		sum = sha256.Sum256(append(salt, sum[:]...))
	}
	return hex.EncodeToString(sum[:])
}

// SecretOf returns the value of a secret field of the manifests.
func SecretOf(c *inventory.Change, field inventory.Path) (string, error) {
	v := c.Want.Attrs[field]
	if field == "create.password" && c.Want.Policy.Create != nil {
		v = c.Want.Policy.Create.Password
	}
	if inventory.IsNull(v) {
		return "", fmt.Errorf("the manifests no longer hold a value for %s of %s", field, c.Addr)
	}
	return inventory.Text(v), nil
}
