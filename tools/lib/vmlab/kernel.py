# SPDX-License-Identifier: BSD-3-Clause
"""The guest's kernel: Debian's package, unpacked below the build directory and not installed; and the
small initramfs that hands over to this machine's own root file system."""

import glob
import gzip
import os
import re
import shutil
import stat
import subprocess

from netlab.plan import LabError
from netlab.process import run

META_PACKAGE = "linux-image-amd64"
BUSYBOX = "/bin/busybox"
# What the guest needs to reach its root; everything else it loads itself, with modprobe.
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
HERE = os.path.dirname(os.path.abspath(__file__))


class Kernel:
    """Files of one kernel: `image`, `release` and `modules`, the directory that is /lib/modules."""

    def __init__(self, root):
        images = glob.glob(f"{root}/boot/vmlinuz-*")
        if len(images) != 1:
            raise LabError(f"{root} holds {len(images)} kernels, not one: remove the directory")
        self.image = images[0]
        self.release = os.path.basename(images[0]).partition("-")[2]
        self.modules = f"{root}/lib/modules"

    def files(self, names):
        """Paths of modules below `modules`, each behind those that it depends on."""
        known = {}
        with open(f"{self.modules}/{self.release}/modules.dep", encoding="utf-8") as table:
            for line in table:
                path, _, needs = line.partition(":")
                name = os.path.basename(path).partition(".ko")[0].replace("-", "_")
                known[name] = needs.split()[::-1] + [path]
        wanted = []
        for name in names:
            for path in known.get(name.replace("-", "_"), []):
                if path not in wanted:
                    wanted.append(path)
        return wanted


def fetch(cache):
    """The kernel in the cache, or the newest of the package source."""
    package = newest_package()
    if package is None:
        unpacked = sorted(glob.glob(f"{cache}/linux-image-*"))
        if not unpacked:
            raise LabError(f"no package {META_PACKAGE} to be had (apt-get update?), and none in {cache}")
        return Kernel(unpacked[-1])
    root = f"{cache}/{package}"
    if not os.path.isdir(root):
        unpack(package, cache, root)
    return Kernel(root)


def newest_package():
    """Name of the package that the meta package stands for; None when there is no package list."""
    listing = run("apt-cache", "depends", META_PACKAGE, check=False).stdout
    found = re.search(r"Depends: (linux-image-\S+)", listing)
    return found.group(1) if found else None


def unpack(package, cache, root):
    """All or nothing: what is half-done lies under another name."""
    partial = f"{root}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(partial)
    run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package, cwd=partial,
        timeout=600)
    archive = glob.glob(f"{partial}/*.deb")[0]
    run("dpkg", "-x", archive, partial, timeout=120)
    os.unlink(archive)
    run("depmod", "-b", partial, os.path.basename(glob.glob(f"{partial}/lib/modules/*")[0]),
        timeout=120)
    os.rename(partial, root)


def make_initramfs(kernel, path):
    """busybox, the modules of BOOT_MODULES in the order in which they are to be loaded, and /init."""
    tree = f"{path}.d"
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ("bin", "modules", "proc", "sys", "dev", "host", "rw", "root"):
        os.makedirs(f"{tree}/{directory}")
    shutil.copy(BUSYBOX, f"{tree}/bin/busybox")
    shutil.copy(f"{HERE}/init", f"{tree}/init")
    os.chmod(f"{tree}/init", stat.S_IRWXU)
    for number, module in enumerate(kernel.files(BOOT_MODULES)):
        shutil.copy(f"{kernel.modules}/{kernel.release}/{module}",
                    f"{tree}/modules/{number:02}-{os.path.basename(module)}")
    names = subprocess.run(["find", ".", "-mindepth", "1"], cwd=tree, check=True,
                           stdout=subprocess.PIPE).stdout
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=tree, input=names,
                             check=True, stdout=subprocess.PIPE).stdout
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(archive)
    shutil.rmtree(tree)
