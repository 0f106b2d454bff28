package pvesim

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"time"
)

func contentRoutes(t *routeTable) {
	p := "/nodes/{node}/storage/{storage}"
	see := perm("/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace")
	tmpl := perm("/storage/{storage}", "Datastore.AllocateTemplate")
	t.add("GET", p+"/content", "content vmid:i>=100<=999999999", see, listContent)
	t.add("POST", p+"/content", "filename! size! vmid!:i>=100<=999999999 format(raw|qcow2|subvol|vmdk)", perm("/storage/{storage}", "Datastore.AllocateSpace"), allocContent)
	t.add("GET", p+"/content/{volume}", "", nil, getContent)
	t.add("PUT", p+"/content/{volume}", "notes protected:b", nil, noteContent)
	t.add("DELETE", p+"/content/{volume}", "delay:i>=1<=30", nil, deleteContent)
	t.add("POST", p+"/upload", "content!(iso|vztmpl|import) filename! checksum checksum-algorithm(md5|sha1|sha224|sha256|sha384|sha512) tmpfilename", tmpl, upload)
	t.add("POST", p+"/download-url", `content!(iso|vztmpl|import) filename!~255 url! checksum checksum-algorithm(md5|sha1|sha224|sha256|sha384|sha512)
 compression(lzo|gz|zst|bz2) verify-certificates:b`, tmpl, download)
	t.add("GET", p+"/prunebackups", "prune-backups type(qemu|lxc) vmid:i>=100<=999999999", see, func(*call) (any, error) { return []obj{}, nil })
	t.add("GET", "/nodes/{node}/query-url-metadata", "url! verify-certificates:b", perm("/nodes/{node}", "Sys.AccessNetwork", "Sys.Audit"), func(c *call) (any, error) {
		return obj{"filename": path.Base(c.p["url"]), "mimetype": "application/octet-stream", "size": remoteSize}, nil
	})
	t.add("GET", "/nodes/{node}/aplinfo", "", nil, func(*call) (any, error) { return shuffle(appliances()), nil })
	t.add("POST", "/nodes/{node}/aplinfo", "storage!@storage template!~255", perm("/storage/{storage}", "Datastore.AllocateTemplate"), downloadAppliance)
}

// remoteSize is that of every file which is elsewhere.
const remoteSize = 64 << 20

// appliances are some of the templates that Proxmox offers for download.
func appliances() (rows []obj) {
	for _, a := range [][3]string{
		{"alpine-3.22-default", "20250617", "alpine"},
		{"debian-12-standard", "12.12-1", "debian-12"},
		{"debian-13-standard", "13.1-2", "debian-13"},
		{"ubuntu-24.04-standard", "24.04-2", "ubuntu-24.04"},
	} {
		template := a[0] + "_" + a[1] + "_amd64.tar.zst"
		rows = append(rows, obj{
			"template": template, "package": a[0], "version": a[1], "os": a[2], "type": "lxc", "section": "system", "architecture": "amd64",
			"location": "http://download.proxmox.com/images/system/" + template, "headline": a[0] + " (standard)", "infopage": "https://pve.proxmox.com/wiki/Linux_Container",
			"description": "A small system.", "source": "https://download.proxmox.com/images",
		})
	}
	return rows
}

func downloadAppliance(c *call) (any, error) {
	for _, a := range appliances() {
		if a["template"] == c.p["template"] {
			return c.fetch("download", c.p["storage"], "vztmpl", c.p["template"], 100<<20, a["location"].(string))
		}
	}
	return nil, badParam("template", "no such template")
}

func unescapePath(s string) string {
	out, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return out
}

// show is a volume in a list.
func (v *Volume) show() obj {
	o := obj{"volid": v.ID, "content": v.Content, "format": v.Format, "size": v.Size, "ctime": v.CTime}
	if v.VMID != 0 {
		o["vmid"] = v.VMID
	}
	if v.Parent != "" {
		o["parent"] = v.Parent
	}
	if v.Notes != "" {
		o["notes"] = v.Notes
	}
	if v.Protected {
		o["protected"] = 1
	}
	if v.Content == "backup" {
		o["subtype"] = "qemu"
		if v.Format != "vma.zst" && v.Format != "vma" {
			o["subtype"] = "lxc"
		}
	}
	return o
}

// seesVolume tells whether the caller may see a volume.
func (c *call) seesVolume(v *Volume) bool {
	if v.Content == "images" || v.Content == "rootdir" {
		return c.may("/storage/"+v.storage(), "Datastore.Allocate") || c.may("/vms/"+itoa(v.VMID), "VM.Audit", "VM.Config.Disk")
	}
	return true
}

func listContent(c *call) (any, error) {
	rows := []obj{}
	for _, v := range c.s.world.Volumes {
		if v.storage() != c.uri["storage"] || v.Node != "" && v.Node != c.node() {
			continue
		}
		if want := c.p["content"]; want != "" && want != v.Content || c.has("vmid") && itoa(v.VMID) != c.p["vmid"] || !c.seesVolume(v) {
			continue
		}
		rows = append(rows, v.show())
	}
	return shuffle(rows), nil
}

func allocContent(c *call) (any, error) {
	size, ok := parseSize(c.p["size"])
	if !ok {
		return nil, badParam("size", "value does not match the regex pattern")
	}
	if c.p["size"][len(c.p["size"])-1] <= '9' { // without a unit: KiB
		size <<= 10
	}
	name := c.p["filename"]
	if ext := path.Ext(name); ext != "" {
		name = name[:len(name)-len(ext)]
	}
	v, err := c.s.allocate(allocSpec{storage: c.uri["storage"], node: c.node(), kind: "qemu", vmid: atoi(c.p["vmid"]), size: size, format: c.p["format"], name: name})
	if err != nil {
		return nil, err
	}
	c.s.dirty()
	return v.ID, nil
}

// content finds the volume of the path, with the rights that it needs.
func (c *call) content() (*Volume, error) {
	v, err := c.s.exists(c.volumeID(), c.node())
	if err != nil {
		return nil, err
	}
	if !c.seesVolume(v) {
		return nil, denied("/storage/" + v.storage() + ", Datastore.Allocate")
	}
	return v, nil
}

func getContent(c *call) (any, error) {
	v, err := c.content()
	if err != nil {
		return nil, err
	}
	o := v.show()
	o["path"], o["used"] = volumePath(v.ID), v.Size
	delete(o, "volid")
	return o, nil
}

// volumePath is where a volume lies, as far as a client can tell.
func volumePath(id string) string { return "/var/lib/vz/" + id }

func noteContent(c *call) (any, error) {
	v, err := c.content()
	if err != nil {
		return nil, err
	}
	if c.has("notes") {
		v.Notes = c.p["notes"]
	}
	if c.has("protected") {
		v.Protected = c.flag("protected")
	}
	c.s.dirty()
	return nil, nil
}

func deleteContent(c *call) (any, error) {
	v, err := c.content()
	if err != nil {
		return nil, err
	}
	need := "Datastore.Allocate"
	switch v.Content {
	case "iso", "vztmpl", "import":
		need = "Datastore.AllocateTemplate"
	case "backup":
		need = "Datastore.AllocateSpace"
	}
	if err := c.check("/storage/"+v.storage(), need, "Datastore.Allocate"); err != nil {
		return nil, err
	}
	if v.Protected {
		return nil, die("cannot remove protected volume '%s' on '%s'", v.ID, v.storage())
	}
	if c.s.children(v.ID) != nil {
		return nil, die("base volume '%s' is still in use by linked clones", v.ID)
	}
	return c.start(c.node(), "imgdel", v.storage()+"@"+c.node(), func(*task) error {
		c.s.world.Volumes = slices.DeleteFunc(c.s.world.Volumes, func(o *Volume) bool { return o == v })
		return nil
	}), nil
}

// upload takes a file; its content is thrown away.
func upload(c *call) (any, error) {
	size, _ := strconv.ParseInt(c.p["\x00size"], 10, 64)
	return c.fetch("imgcopy", c.uri["storage"], c.p["content"], c.p["filename"], size, "/var/tmp/pveupload")
}

func download(c *call) (any, error) {
	return c.fetch("download", c.uri["storage"], c.p["content"], c.p["filename"], remoteSize, c.p["url"])
}

// extensions are how files of a content are called.
var extensions = map[string]*regexp.Regexp{
	"iso":    regexp.MustCompile(`(?i)[^/]\.(?:iso|img)$`),
	"vztmpl": regexp.MustCompile(`(?i)[^/]\.tar(?:\.(?:gz|xz|zst|bz2))?$`),
	"import": regexp.MustCompile(`(?i)[^/]\.(?:ova|ovf|qcow2|raw|vmdk)$`),
}

// fetch puts a template or image on a storage.
func (c *call) fetch(typ, storage, content, name string, size int64, from string) (any, error) {
	st, err := c.s.usable(storage, c.node(), content)
	if err != nil {
		return nil, err
	}
	if !extensions[content].MatchString(name) {
		return nil, badParam("filename", "wrong file extension")
	}
	id := storage + ":" + content + "/" + path.Base(name)
	upid := c.start(c.node(), typ, path.Base(name), func(*task) error {
		v := &Volume{ID: id, Content: content, Format: volumeFormat(id), Size: size, CTime: time.Now().Unix()}
		if !st.Shared {
			v.Node = c.node()
		}
		c.s.world.Volumes = slices.DeleteFunc(c.s.world.Volumes, func(o *Volume) bool { return o.ID == id && o.Node == v.Node })
		c.s.world.Volumes = append(c.s.world.Volumes, v)
		return nil
	})
	c.s.tasks.upid[upid].logf("downloading %s to %s", from, volumePath(id))
	return upid, nil
}
