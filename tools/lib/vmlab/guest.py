# SPDX-License-Identifier: BSD-3-Clause
"""The virtual machine: QEMU under software emulation, an emulated IOMMU, two network cards, and a shell."""

import os
import signal
import socket
import subprocess
import time

from netlab import process
from netlab.plan import LabError

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT_PATIENCE_S = 120
CPUS = 3               # one for Linux and the control thread, two for workers
MEMORY_MB = 2048

# Per model: QEMU's device with what it needs behind an IOMMU, Linux's driver, and queue pairs.
MODELS = {
    "e1000e": ("e1000e", "e1000e", 1),
    "virtio": ("virtio-net-pci,disable-legacy=on,iommu_platform=on,mq=on,vectors=6,rss=on",
               "virtio_net", 2),
    "vmxnet3": ("vmxnet3", "vmxnet3", 1),
}


class GuestError(LabError):
    """The guest, or a command in it, did not do what it was to do."""


class Guest:
    """One run of a virtual machine. Its files lie in `directory`."""

    def __init__(self, directory, kernel, initramfs, netns):
        self.directory = directory
        self.kernel = kernel
        self.initramfs = initramfs
        self.netns = netns         # where the taps are
        self.entry = None
        self.line = None
        self.pending = b""

    @property
    def console(self):
        return f"{self.directory}/console.log"

    def argv(self, model, cards):
        device, _, queues = MODELS[model]
        words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                 "-no-reboot", "-machine", "q35,kernel-irqchip=split",
                 "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(CPUS),
                 "-m", str(MEMORY_MB), "-device", "intel-iommu,intremap=on,caching-mode=on",
                 "-kernel", self.kernel.image, "-initrd", self.initramfs,
                 "-append", "intel_iommu=on iommu=pt console=ttyS0 quiet panic=-1 "
                 f"vm.modules={self.kernel.modules} vm.agent={HERE}/agent",
                 "-serial", f"file:{self.console}",
                 "-serial", f"unix:{self.directory}/agent.sock,server=on,wait=off",
                 "-monitor", f"unix:{self.directory}/monitor.sock,server=on,wait=off",
                 "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
                 "-device", "virtio-9p-pci,fsdev=root,mount_tag=hostroot"]
        for number, card in enumerate(cards):
            words += ["-netdev", f"tap,id=n{number},ifname={card.tap},script=no,downscript=no,"
                      f"vnet_hdr=off,queues={queues}" if queues > 1 else
                      f"tap,id=n{number},ifname={card.tap},script=no,downscript=no,vnet_hdr=off",
                      "-device", f"{device},id={card.port},netdev=n{number},mac={card.mac},"
                      f"addr={card.slot}"]
        return words

    def start(self, model, cards):
        os.makedirs(self.directory, exist_ok=True)
        with open(f"{self.directory}/qemu.log", "wb") as out:
            child = subprocess.Popen(["ip", "netns", "exec", self.netns] + self.argv(model, cards),
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     start_new_session=True)
        self.entry = process.identity(child.pid)
        self.connect()
        if self.read_until(b"@@ ready\n", BOOT_PATIENCE_S) is None:
            raise GuestError(f"the guest did not start within {BOOT_PATIENCE_S} s\n{self.last_words()}")

    def connect(self):
        path = f"{self.directory}/agent.sock"
        if not process.wait_until(lambda: os.path.exists(path) or not self.runs(), 10, 0.1) or \
                not self.runs():
            raise GuestError(f"QEMU did not start\n{self.last_words()}")
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line.connect(path)
        self.line.settimeout(0.5)

    def set_link(self, card, up):
        """Plugs a card's cable in or out."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor:
            monitor.connect(f"{self.directory}/monitor.sock")
            monitor.settimeout(10)
            monitor.sendall(f"set_link {card.port} {'on' if up else 'off'}\n".encode())
            said = b""
            while said.count(b"(qemu)") < 2:     # its prompt before and behind the command
                said += monitor.recv(4096)

    def runs(self):
        return process.alive(self.entry)

    def stop(self):
        """Ends QEMU, by its pid."""
        if self.line:
            self.line.close()
        if self.entry:
            process.end(self.entry, first=signal.SIGTERM)

    def read_until(self, end, patience_s):
        """What came before `end`, or None when the time is over or QEMU has ended."""
        deadline = time.monotonic() + patience_s
        while end not in self.pending:
            if process.on_wait:
                process.on_wait()
            if time.monotonic() > deadline:
                return None
            try:
                more = self.line.recv(65536)
            except TimeoutError:
                continue
            if not more:
                return None
            self.pending += more
        text, _, self.pending = self.pending.partition(end)
        return text.decode(errors="replace")

    def shell(self, command, check=True, patience_s=60):
        """Runs a line of shell in the guest: (exit status, output)."""
        self.line.sendall(command.replace("\n", " ").encode() + b"\n")
        output = self.read_until(b"\n@@ ", patience_s)
        status = self.read_until(b"\n", 10) if output is not None else None
        if status is None:
            raise GuestError(f"no end of `{command}` in the guest after {patience_s} s\n"
                             f"{self.last_words()}")
        output = output.strip()
        if check and int(status) != 0:
            raise GuestError(f"`{command}` in the guest ended with {int(status)}\n{output}")
        return int(status), output

    def last_words(self):
        words = ""
        for name in ("console.log", "qemu.log"):
            try:
                with open(f"{self.directory}/{name}", encoding="utf-8", errors="replace") as log:
                    words += "".join(f"  | {line.rstrip()}\n" for line in log.readlines()[-10:])
            except FileNotFoundError:
                pass
        return words.rstrip()
