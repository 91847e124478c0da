# SPDX-License-Identifier: BSD-3-Clause
"""Clients of the API that behave badly, while connections go through."""

import json
import os
import socket
import time

from bench import Background, check, equal, eventually, refused, rpc
from netlab import director
from runner import scenario

STANDARD = {"udp": True, "idle_servers": 1}


def control(lab):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(10)
    made.connect(director.control_socket(lab.plan))
    return made


def one_line(lab, line):
    """What the director answers to one line, or None when it hangs up."""
    with control(lab) as link:
        link.sendall(line)
        with link.makefile("rb") as answers:
            answer = answers.readline()
    return json.loads(answer) if answer else None


def descriptors(lab):
    return len(os.listdir(f"/proc/{lab.pid()}/fd"))


@scenario(**STANDARD)
def nonsense_gets_errors(lab):
    """Not JSON, not UTF-8, too deep, no such method: each gets the error of its kind."""
    for line, code in ((b"{\n", -32700), (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}\n', -32700),
                       (b"[" * 200 + b"]" * 200 + b"\n", -32700), (b"[]\n", -32600),
                       (b'{"jsonrpc":"2.0","id":1,"method":"no.such"}\n', -32601),
                       (b'{"jsonrpc":"2.0","id":1,"method":"info.get","params":{"x":1}}\n', -32602)):
        answer = one_line(lab, line)
        check(answer and "error" in answer, f"no error for {line[:40]!r}: {answer}")
        equal(answer["error"]["code"], code, f"code for {line[:40]!r}")


@scenario(**STANDARD)
def flood_of_clients(lab):
    """Many clients, half of them stuck in the middle of a request, harm neither each other nor the
    traffic."""
    before = descriptors(lab)
    load = lab.start_load(1000, 20)
    stuck = [control(lab) for _ in range(30)]
    for link in stuck:
        link.sendall(b'{"jsonrpc":"2.0","id":1,')
    calls = [Background(lambda: [lab.call("service.list") for _ in range(20)]) for _ in range(20)]
    for call in calls:
        call.result()
    result = load.result()
    equal((result["ok"], result["errors"]), (1000, {}), "connections that went well, errors")
    for link in stuck:
        link.close()
    eventually(lambda: descriptors(lab) <= before, "descriptors are not given back")


@scenario(**STANDARD)
def client_that_never_reads(lab):
    """Its output is bounded and it is hung up on; the director's memory stays."""
    with control(lab) as link:
        link.setblocking(False)
        request = b'{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}\n' * 100
        deadline = time.monotonic() + 20
        try:
            while time.monotonic() < deadline:
                try:
                    link.send(request)
                except BlockingIOError:
                    time.sleep(0.1)
            gone = False
        except (BrokenPipeError, ConnectionResetError):
            gone = True
    check(gone, "nobody hung up within 20 s")
    lab.generation()


@scenario(**STANDARD)
def view_socket_only_reads(lab):
    """view.sock answers questions and refuses changes."""
    path = f"{lab.plan.run_directory}/view.sock"
    check("generation" in rpc(path, "info.get", {}), "info.get does not answer")
    equal(refused(rpc, path, "stats.zero", {}).code, 1, "code of a write on view.sock")
