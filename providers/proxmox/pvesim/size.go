package pvesim

import (
	"regexp"
	"strconv"
	"strings"
)

// parseSize reads a disk size: 10G, 512M, 1.5T, plain bytes.
func parseSize(s string) (int64, bool) {
	m := regexp.MustCompile(`^(\d+(?:\.\d+)?)([KMGT]?)$`).FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, false
	}
	shift := map[string]float64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}[m[2]]
	return int64(f * shift), true
}

func sizeOr(s string, fallback int64) int64 {
	if n, ok := parseSize(s); ok {
		return n
	}
	return fallback
}

// formatSize writes a size in the largest unit that divides it.
func formatSize(n int64) string {
	unit := ""
	for _, u := range []string{"K", "M", "G", "T"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n /= 1024
		unit = u
	}
	return strconv.FormatInt(n, 10) + unit
}

// volumeKeys are the options whose values name a volume, by the kind of guest.
var volumeKeys = map[string]*regexp.Regexp{
	"qemu": regexp.MustCompile(`^(?:ide|sata|scsi|virtio|efidisk|tpmstate|unused)\d+$|^vmstate$`),
	"lxc":  regexp.MustCompile(`^(?:mp\d+|unused\d+|rootfs)$`),
}

// diskParts splits the value of a disk option into its volume and its other
// keys. Options without a volume (and paths, none, cdrom) give "".
func diskParts(kind, key, val string) (string, map[string]string) {
	if p := volumeKeys[kind]; p != nil && !p.MatchString(key) {
		return "", nil
	}
	vol := ""
	opts := map[string]string{}
	for part := range strings.SplitSeq(val, ",") {
		k, v, ok := strings.Cut(part, "=")
		switch {
		case !ok:
			vol = part
		case k == "file" || k == "volume":
			vol = v
		default:
			opts[k] = v
		}
	}
	if strings.HasPrefix(vol, "/") || !strings.Contains(vol, ":") {
		return "", opts
	}
	return vol, opts
}

// volumeContent tells the content type of a volume by its name.
func volumeContent(id, kind string) string {
	_, name, _ := strings.Cut(id, ":")
	dir, _, _ := strings.Cut(name, "/")
	switch dir {
	case "iso", "vztmpl", "backup", "snippets", "import":
		return dir
	}
	if kind == "lxc" {
		return "rootdir"
	}
	return "images"
}

func volumeFormat(id string) string {
	for suffix, format := range map[string]string{
		".qcow2": "qcow2", ".vmdk": "vmdk", ".iso": "iso", ".tar.gz": "tgz", ".tar.zst": "tzst",
		".tar.xz": "txz", ".vma.zst": "vma.zst", ".vma": "vma", ".img": "iso",
	} {
		if strings.HasSuffix(id, suffix) {
			return format
		}
	}
	if strings.Contains(id, ":subvol-") || strings.Contains(id, "/subvol-") {
		return "subvol"
	}
	return "raw"
}
