# SPDX-License-Identifier: BSD-3-Clause
"""What a scenario works with: the lab's hosts, the director's API, and checks that say what they saw."""

import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from netlab import director, guest, process, server
from netlab import plan as names

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
BUSY = 4                       # of the API's errors
BUSY_PATIENCE_S = 10


class Failed(Exception):
    """A check did not hold."""


class Skipped(Exception):
    """This machine cannot run the scenario, and why."""


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.data = error.get("data") or {}


def check(condition, why):
    if not condition:
        raise Failed(why)


def equal(actual, expected, what):
    check(actual == expected, f"{what}: {actual!r} instead of {expected!r}")


# Of curl: below those that Linux chooses from.
_ports = itertools.cycle(range(4000, 32000))


def eventually(condition, why, patience_s=10.0, pause_s=0.05):
    """The first true value of condition(), which may raise Failed until then."""
    last = why
    deadline = time.monotonic() + patience_s
    while True:
        try:
            value = condition()
            if value:
                return value
        except Failed as failure:
            last = f"{why}: {failure}"
        if time.monotonic() > deadline:
            raise Failed(last)
        time.sleep(pause_s)


class Bench:
    def __init__(self, state, full):
        self.state = state
        self.plan = state.plan
        self.full = full
        with open(self.plan.config_path, encoding="utf-8") as source:
            self.first_config = json.load(source)
        self.first_processes = list(state.processes)
        if "director" in state.processes:
            self.wait_until_serving()

    # The lab as a whole.

    def reset(self, with_director):
        """Back to how the lab was when it came up."""
        director.write_json(self.plan.config_path, self.first_config)
        for name in list(self.state.processes):
            if name not in self.first_processes:
                process.stop(self.state, name)
        if not with_director:
            return
        if not director.running(self.state):
            self.state.drop_process("director")
            director.start(self.state)
        self.plan = self.state.plan
        self.apply(self.first_config)
        self.wait_until_serving()

    def wait_until_serving(self):
        """All neighbours are resolved: no first packet of a scenario is lost to ARP."""
        eventually(lambda: self.ping(self.plan.vip), "the VIP does not answer ping", 10)
        eventually(lambda: all(one["state"] == "reachable" for one in self.servers()),
                   "a server does not become reachable", 10)

    def last_words(self):
        return director.last_lines(self.state)

    # Hosts.

    def run(self, host, *argv, check_status=True, timeout=30, **options):
        """A command in a host's namespace. For one with a kernel of its own: see order()."""
        done = process.run("ip", "netns", "exec", self.plan.netns(host), *argv, check=False,
                           timeout=timeout, **options)
        if check_status and done.returncode != 0:
            raise Failed(f"{host}: `{' '.join(argv)}` ended with {done.returncode}: "
                         f"{(done.stderr or done.stdout).strip()}")
        return done

    def echo(self, port):
        """What comes to this UDP port of any server comes back, with all of its bytes."""
        script = shutil.copy(f"{HERE}/helpers/echo.py", self.plan.directory)  # where guests see it, too
        for host in self.plan.server_hosts():
            argv = (PYTHON, "-B", script, str(port))
            if self.plan.topology.hosts[host].own_kernel:
                self.order(host, "sh", "-c", f"{' '.join(argv)} >/dev/null 2>&1 &")
            else:
                self.spawn(f"echo-{host}", host, *argv)
        for host in self.plan.server_hosts():
            eventually(lambda: f":{port:04X} " in self.order(host, "cat", "/proc/net/udp6"),
                       f"{host}: nothing listens on UDP port {port}", 15)

    def order(self, host, *argv, timeout=30):
        """A command in a server's kernel, of its own or not; what it printed."""
        if not self.plan.topology.hosts[host].own_kernel:
            return self.run(host, *argv, timeout=timeout).stdout
        said = guest.order(self.plan, host, argv, timeout)
        equal(said["status"], 0, f"status of `{' '.join(argv)}` on {host} ({said['stderr'].strip()})")
        return said["stdout"]

    def spawn(self, name, host, *argv):
        """A process that lasts until the end of the scenario at most."""
        return process.spawn(self.state, name, host, list(argv))

    def end(self, name):
        process.stop(self.state, name)

    def helper(self, host, script, *arguments, timeout=120):
        """Runs helpers/SCRIPT on a host; what it prints, as JSON."""
        done = self.run(host, PYTHON, "-B", f"{HERE}/helpers/{script}", *map(str, arguments),
                        timeout=timeout)
        return json.loads(done.stdout)

    def inside(self, host):
        """Sockets that are made in this block belong to the host, for as long as they live."""
        return process.inside(self.plan.netns(host))

    def connect(self, host, address, port, timeout=10):
        with self.inside(host):
            made = socket.socket(family_of(address), socket.SOCK_STREAM)
        made.settimeout(timeout)
        try:
            made.connect((address, port))
        except OSError:
            made.close()
            raise
        return made

    # Clients of the virtual services.

    def curl(self, path="/", address="", port=names.HTTP_PORT, timeout=10, host="client"):
        """The body, without its newline. From a port that no connection had before: its entry may be there still,
        with another server, or one that is gone."""
        done = self.run(host, "curl", "-sS", "-m", str(timeout), "--local-port", str(next(_ports)),
                        self.plan.url(path, port, address), timeout=timeout + 5)
        return done.stdout.rstrip("\n")

    def curl_fails(self, **where):
        try:
            self.curl(**{"timeout": 1, **where})
            return False
        except Failed:
            return True

    def voices(self):
        """What servers answer, sorted: the same by whatever method and family they are asked."""
        return sorted(f"From {address}" for address in self.state.plan.server_addresses())

    def answers(self, count):
        return [self.curl() for _ in range(count)]

    def udp(self, text=b"hello", port=names.UDP_PORT, timeout=5):
        with self.inside("client"):
            asker = socket.socket(family_of(self.plan.vip), socket.SOCK_DGRAM)
        with asker:
            asker.settimeout(timeout)
            asker.connect((self.plan.vip, port))
            asker.send(text)
            try:
                return asker.recv(2048).decode().strip()
            except OSError as error:
                raise Failed(f"no answer to a datagram: {error}") from error

    def ping(self, address, count=1):
        return self.run("client", "ping", "-c", str(count), "-i", "0.2", "-W", "1", address,
                        check_status=False).returncode == 0

    def load(self, connections, at_a_time, **more):
        """Many separate connections: {"ok", "failed", "by", "errors"}."""
        return self.helper("client", "load.py", json.dumps(
            {"address": self.plan.vip, "port": names.HTTP_PORT, "connections": connections,
             "at_a_time": at_a_time, **more}), timeout=300)

    def start_load(self, connections, at_a_time):
        return Background(lambda: self.load(connections, at_a_time))

    def visitors(self, address):
        return Visitors(self, address)

    def download(self, rate, **where):
        return Download(self, rate, **where)

    # The director.

    def call(self, method, **params):
        """One call of the API on the control socket; again where the director asks for that, being busy."""
        deadline = time.monotonic() + BUSY_PATIENCE_S
        while True:
            try:
                return rpc(director.control_socket(self.plan), method, params)
            except RpcError as error:
                if error.code != BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def ctl(self, *arguments, status=0, text=None):
        """sluicectl with its exit status checked; what it printed, both streams."""
        done = subprocess.run(director.ctl_argv(self.plan, arguments), input=text or "",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=30, check=False)
        equal(done.returncode, status, f"exit status of sluicectl {' '.join(arguments)} "
              f"({done.stdout.strip()})")
        return done.stdout

    def change(self, method, **params):
        """A call after which every worker works by what it has changed: a starved one may be late."""
        result = self.call(method, **params)
        self.wait_until_taken_up()
        return result

    def wait_until_taken_up(self):
        """Each iteration of a worker begins with the newest generation: this waits for one."""
        def polls():
            return [one["polls"] for one in self.call("workers.get")["workers"]]
        before = polls()
        eventually(lambda: all(now > old + 1 for now, old in zip(polls(), before)), "a worker stands still",
                   pause_s=0.002)

    def apply(self, document):
        return self.change("config.apply", config=document)

    def switch(self, mode, family=4, server_family=0, **more):
        """Other services: by this method, of this family, as self.plan says from then on. more: keys of a
        service, and under `server` those of a server."""
        self.plan = self.state.plan.variant(mode, family, server_family)
        wanted = director.configuration(self.plan, self.state.huge)
        server = more.pop("server", {})
        for service in wanted["services"]:
            service.update(more)
            for one in service["servers"]:
                one.update(server)
        document = {**self.first_config, "services": wanted["services"], "vips": wanted["vips"]}
        document.pop("local_addresses", None)
        if "local_addresses" in wanted:
            document["local_addresses"] = wanted["local_addresses"]
        self.apply(document)
        self.wait_until_serving()
        return document

    def config(self):
        return self.call("config.get")["config"]

    def servers(self):
        """The first service's servers, as the API lists them."""
        return self.call("service.get", service=self.service_key)["service"]["servers"]

    def server(self, address):
        for one in self.servers():
            if one["address"] == address:
                return one
        raise Failed(f"server {address} is not listed")

    @property
    def service_key(self):
        return {"protocol": "tcp", "address": self.plan.vip, "port": names.HTTP_PORT}

    def add_server(self, address, **more):
        return self.change("server.add", service=self.service_key, server={"address": address, **more})

    def edit_server(self, address, **more):
        return self.change("server.edit", service=self.service_key, server={"address": address, **more})

    def delete_server(self, address):
        return self.change("server.delete", service=self.service_key, server={"address": address})

    def generation(self):
        return self.call("info.get")["generation"]

    def drops(self):
        return {one["name"]: one["total"] for one in self.call("drops.get")["reasons"]}

    def pid(self):
        return self.state.processes["director"]["pid"]

    def log(self):
        with open(self.plan.log("director"), encoding="utf-8", errors="replace") as source:
            return source.read()


class Background:
    """A function in a thread; result() waits and raises what it raised."""

    def __init__(self, function):
        self.value = self.error = None
        self.thread = threading.Thread(target=self.work, args=(function,), daemon=True)
        self.thread.start()

    def work(self, function):
        try:
            self.value = function()
        except BaseException as error:  # handed to the waiting thread
            self.error = error

    def running(self):
        return self.thread.is_alive()

    def result(self, timeout=300):
        self.thread.join(timeout)
        check(not self.running(), f"still at work after {timeout} s")
        if self.error:
            raise self.error
        return self.value


class Visitors:
    """New connections to a VIP, AT_A_TIME and a short pause in between, for as long as nobody asks for the result."""

    AT_A_TIME = 2

    def __init__(self, bench, address):
        self.bench = bench
        self.name = f"visitors-{address}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(bench.plan.log(self.name))
        bench.spawn(self.name, "client", PYTHON, "-B", f"{HERE}/helpers/load.py", json.dumps(
            {"address": address, "port": names.HTTP_PORT, "connections": 10 ** 9,
             "at_a_time": self.AT_A_TIME, "pause_s": 0.01}))

    def result(self):
        """What load() says, from the beginning until now."""
        self.bench.end(self.name)
        with open(self.bench.plan.log(self.name), encoding="utf-8") as log:
            lines = log.read().splitlines()
        check(lines and lines[-1].startswith("{"), f"{self.name} broke off: {lines[-1:]}")
        return json.loads(lines[-1])


class Download:
    """The big file through a VIP, at a limited rate, in the background."""

    def __init__(self, bench, rate, address="", name="download", port=names.HTTP_PORT):
        self.bench = bench
        self.name = f"download-{name}"
        self.path = f"{bench.plan.directory}/{self.name}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        bench.spawn(self.name, "client", "curl", "-sS", "-m", "120", "-o", self.path,
                    "--local-port", str(next(_ports)),
                    bench.plan.url(f"/big?rate={rate}", port, address))
        eventually(lambda: self.size() > 0, "the download does not begin")

    def size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def running(self):
        return process.alive(self.bench.state.processes.get(self.name))

    def expect_progress(self):
        before = self.size()
        eventually(lambda: self.size() > before, "the download makes no progress", 10)
        check(self.running(), "the download ended too early to prove anything")

    def finish(self, patience_s=90):
        """Waits for its end and compares the file, byte for byte."""
        eventually(lambda: not self.running(), "the download does not end", patience_s)
        with open(self.path, "rb") as got, open(server.big_file(self.bench.plan), "rb") as sent:
            check(got.read() == sent.read(), f"the download differs: {self.size()} of "
                  f"{server.BIG_BYTES} bytes")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def rpc(path, method, params, timeout=30):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(timeout)
        link.connect(path)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        link.sendall(json.dumps(request).encode() + b"\n")
        with link.makefile("rb") as answers:
            answer = json.loads(answers.readline() or b"{}")
    if "error" in answer:
        raise RpcError(answer["error"])
    check("result" in answer, f"{method}: the director closed the connection")
    return answer["result"]


def refused(call, *arguments, **params):
    """The error of a call that must not succeed."""
    try:
        call(*arguments, **params)
    except RpcError as error:
        return error
    raise Failed("a call succeeded that must be refused")


@contextlib.contextmanager
def scratch():
    directory = tempfile.mkdtemp(prefix="sluice-net-")
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
