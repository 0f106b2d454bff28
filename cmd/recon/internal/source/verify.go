package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"recon/inventory/contextfile"
	"recon/inventory/localfile"
	"recon/manifests"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// A keyring holds whom the source trusts.
type keyring struct {
	ssh []ssh.PublicKey
	pgp openpgp.EntityList
}

// signedBy is the namespace of SSH signatures that Git makes.
const signedBy = "git"

// clockSkew is by how much the clock of whoever signs may be ahead.
const clockSkew = 5 * time.Minute

// verify refuses a commit that no trusted key has signed. Keys and rule are those of the
// manifests in force: a commit cannot say itself who is to be believed.
func (p *Puller) verify(src *manifests.Source, repo *git.Repository, c *object.Commit) error {
	keys, err := p.keys(src)
	if err != nil {
		return err
	}
	payload, signature, err := detach(repo, c)
	if err != nil {
		return err
	}
	short := Short(hashOf(c))
	switch {
	case signature == "":
		return trouble(Unsigned, "git commit --amend --no-edit -S signs it", "commit %s is not signed, and source %s wants that", short, src.Name)
	case strings.HasPrefix(signature, "-----BEGIN "+sshsig.PEMType):
		return keys.verifySSH(short, payload, signature)
	case strings.HasPrefix(signature, "-----BEGIN PGP SIGNATURE"):
		return keys.verifyPGP(short, payload, signature, &packet.Config{Time: func() time.Time { return p.Home.Now().Add(clockSkew) }})
	}
	return trouble(BadSignature, "sign with SSH or OpenPGP", "commit %s has a signature that is neither of SSH nor of OpenPGP", short)
}

// keys reads the trusted keys.
func (p *Puller) keys(src *manifests.Source) (*keyring, error) {
	k := &keyring{}
	for _, text := range src.Trusted {
		content := []byte(text)
		if !manifests.IsKey(text) {
			var err error
			if content, err = localfile.Read(p.Home.Absolute(text), localfile.Small); err != nil {
				return nil, trouble(UnknownKey, "trusted_keys names the file", "read the trusted keys: %s", err)
			}
		}
		if err := k.add(content); err != nil {
			return nil, trouble(UnknownKey, "trusted_keys takes keys as ssh-keygen and gpg --export --armor write them", "read the trusted keys of %s: %s", contextfile.Told(text), err)
		}
	}
	return k, nil
}

// add takes keys of OpenPGP, lines as in authorized_keys, or as in allowed_signers, in
// which names stand before the key.
func (k *keyring) add(content []byte) error {
	if bytes.Contains(content, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
		list, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(content))
		k.pgp = append(k.pgp, list...)
		return err
	}
	n := 0
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			_, rest, _ := strings.Cut(line, " ")
			if key, _, _, _, err = ssh.ParseAuthorizedKey([]byte(rest)); err != nil {
				return err
			}
		}
		k.ssh, n = append(k.ssh, key), n+1
	}
	if n == 0 {
		return errors.New("there is no key")
	}
	return nil
}

// detach takes the signature out of the commit as it is stored. What is signed are those
// bytes, and not what somebody made of them.
func detach(repo *git.Repository, c *object.Commit) (payload []byte, signature string, err error) {
	raw, err := storedBytes(repo, c)
	if err != nil {
		return nil, "", fmt.Errorf("read commit %s: %w", Short(hashOf(c)), err)
	}
	return split(c, raw)
}

// split takes the signature out of the bytes of a commit.
func split(c *object.Commit, raw []byte) (payload []byte, signature string, err error) {
	var out, sig bytes.Buffer
	inside, inHeader, times := false, true, 0
	for line := range bytes.Lines(raw) {
		switch {
		case !inHeader:
		case len(line) == 1:
			inHeader, inside = false, false
		case bytes.HasPrefix(line, []byte("gpgsig ")):
			inside, times = true, times+1
			sig.Write(line[len("gpgsig "):])
			continue
		case bytes.HasPrefix(line, []byte("gpgsig")): // of another hash: not signed itself
			return nil, "", trouble(BadSignature, "", "commit %s has a signature for another kind of repository", Short(hashOf(c)))
		case inside && line[0] == ' ':
			sig.Write(line[1:])
			continue
		default:
			inside = false
		}
		out.Write(line)
	}
	if times > 1 {
		return nil, "", trouble(BadSignature, "", "commit %s has %d signatures", Short(hashOf(c)), times)
	}
	return out.Bytes(), sig.String(), nil
}

func (k *keyring) verifySSH(commit string, payload []byte, signature string) error {
	sig, err := sshsig.Unarmor([]byte(signature))
	if err != nil {
		return trouble(BadSignature, "", "the signature of commit %s cannot be read: %s", commit, err)
	}
	for _, key := range k.ssh {
		if !bytes.Equal(key.Marshal(), sig.PublicKey.Marshal()) {
			continue
		}
		if err := sshsig.Verify(bytes.NewReader(payload), sig, key, sig.HashAlgorithm, signedBy); err != nil {
			return trouble(BadSignature, "", "the signature of commit %s is wrong: %s", commit, err)
		}
		return nil
	}
	return trouble(UnknownKey, "trusted_keys of the source block takes it, if it is one of yours", "commit %s is signed with the key %s, which is not trusted", commit, ssh.FingerprintSHA256(sig.PublicKey))
}

func (k *keyring) verifyPGP(commit string, payload []byte, signature string, cfg *packet.Config) error {
	_, err := openpgp.CheckArmoredDetachedSignature(k.pgp, bytes.NewReader(payload), strings.NewReader(signature), cfg)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return trouble(UnknownKey, "trusted_keys of the source block takes the file of the key, if it is one of yours: gpg --export --armor", "commit %s is signed with a key that is not trusted", commit)
	}
	return trouble(BadSignature, "", "the signature of commit %s is wrong: %s", commit, err)
}

// storedBytes is a commit as it is in the object store.
func storedBytes(repo *git.Repository, c *object.Commit) ([]byte, error) {
	o, err := repo.Storer.EncodedObject(plumbing.CommitObject, c.Hash)
	if err != nil {
		return nil, err
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxBlob)) //nolint:forbidigo // bounded
}
