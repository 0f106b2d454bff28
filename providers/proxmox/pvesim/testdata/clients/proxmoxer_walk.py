"""What people script with proxmoxer: make, configure, start, stop, clone, resize, snapshot, delete."""
import sys
import time

from proxmoxer import ProxmoxAPI, ResourceException

host, port, user, token, secret = sys.argv[1:6]
px = ProxmoxAPI(host, port=int(port), user=user, token_name=token, token_value=secret, verify_ssl=False)


def wait(upid):
    node = upid.split(":")[1]
    while True:
        st = px.nodes(node).tasks(upid).status.get()
        if st["status"] == "stopped":
            assert st["exitstatus"] == "OK", st
            return
        time.sleep(0.02)


assert px.version.get()["version"].split(".")[0] in ("8", "9")
node = px.nodes("pve1")
wait(node.qemu.create(vmid=100, name="web", memory=512, cores=1, net0="virtio,bridge=vmbr0", scsi0="local:1,format=qcow2", scsihw="virtio-scsi-single", kvm=0))
assert [v["vmid"] for v in node.qemu.get()] == [100]
conf = node.qemu(100).config.get()
assert conf["name"] == "web" and conf["memory"] == "512" and conf["net0"].startswith("virtio="), conf
node.qemu(100).config.put(cores=2, description="made by a script", tags="b;a")
wait(node.qemu(100).config.post(memory=768))
conf = node.qemu(100).config.get()
assert conf["cores"] == 2 and conf["tags"] == "a;b" and conf["memory"] == "768", conf
wait(node.qemu(100).status.start.post())
assert node.qemu(100).status.current.get()["status"] == "running"
wait(node.qemu(100).status.stop.post())
wait(node.qemu(100).resize.put(disk="scsi0", size="+1G"))
assert "size=2G" in node.qemu(100).config.get()["scsi0"]
wait(node.qemu(100).snapshot.post(snapname="before"))
assert "before" in [s["name"] for s in node.qemu(100).snapshot.get()]
wait(node.qemu(100).snapshot("before").rollback.post())
wait(node.qemu(100).snapshot("before").delete())
wait(node.qemu(100).clone.post(newid=101, name="copy", full=1))
assert node.qemu(101).config.get()["name"] == "copy"
wait(node.lxc.create(vmid=200, hostname="box", memory=128, rootfs="local:1", ostemplate="local:vztmpl/tiny.tar.gz", unprivileged=1, net0="name=eth0,bridge=vmbr0,ip=dhcp"))
node.lxc(200).config.put(memory=256, tags="x")
assert node.lxc(200).config.get()["memory"] == 256
wait(node.lxc(200).status.start.post())
assert node.lxc(200).status.current.get()["status"] == "running"
wait(node.lxc(200).status.stop.post())
assert sorted(r["vmid"] for r in px.cluster.resources.get(type="vm")) == [100, 101, 200]
for vmid in (100, 101):
    wait(node.qemu(vmid).delete())
wait(node.lxc(200).delete())
assert node.qemu.get() == [] and node.lxc.get() == []
try:
    node.qemu(100).config.get()
    raise SystemExit("a guest that is gone still answers")
except ResourceException as e:
    assert e.status_code == 500 and "does not exist" in str(e), e
print("ok")
