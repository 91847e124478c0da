# SPDX-License-Identifier: BSD-3-Clause
"""sluice's engine: the program engine.c, driven line by line."""

import os
import subprocess

from commands import Configuration
from lvs import DIRECTOR, DIRECTOR_6


class SluiceError(Exception):
    """The engine ended, or answers what it should not."""


def endpoint(address, virtual):
    """A server as LVS lists it: without a port of its own it has the service's."""
    return address if ":" in address else f"{address}:{virtual.rpartition(':')[2]}"


class Sluice:
    def __init__(self, program, vip, vip6):
        self.engine = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, bufsize=1)
        self.configuration = Configuration()
        self.order(f"local {vip} {vip6} {DIRECTOR} {DIRECTOR_6}")

    def order(self, line):
        """One command; its last line, and the lines before."""
        try:
            self.engine.stdin.write(line + "\n")
            self.engine.stdin.flush()
        except BrokenPipeError:
            pass
        lines = []
        while True:
            answer = self.engine.stdout.readline()
            if not answer:
                raise SluiceError(f"the engine ended at `{line[:80]}`: {self.engine.stderr.read()}")
            if not answer.startswith(("TCP ", "UDP ")):
                return answer.strip(), lines
            lines.append(answer.strip())

    def ipvsadm(self, line):
        key = self.configuration.obey(line)
        service = self.configuration.services.get(key)
        if service is None:
            self.order(f"delete {key[0]} {key[1]}")
        else:
            servers = [f"{address}*{server.weight}/{server.method}"
                       for address, server in service.servers.items()]
            self.order(" ".join(["service", *key, service.scheduler, *servers]))

    def timeouts(self, words):
        self.order("timeouts " + words)

    def wait(self, seconds):
        self.order(f"wait {seconds}")

    def exchange(self, frame):
        """(what became of the frame, the frame that went out or None)"""
        word, _, rest = self.order("packet " + frame.hex())[0].partition(" ")
        if word == "sent":
            return word, bytes.fromhex(rest)
        return f"{word} {rest}", None

    def connections(self):
        """{(protocol, client, virtual, server): (state, seconds left)} of those that are not over."""
        out = {}
        for line in self.order("connections")[1]:
            *key, state, left = line.split()
            out[tuple(key)] = state, int(left)
        return out

    def numbers(self, first, last):
        """{(protocol, virtual, server): columns of `counters`}"""
        return {(*key, endpoint(address, key[1])):
                self.order(f"counters {key[0]} {key[1]} {endpoint(address, key[1])}")[0].split()[first:last]
                for key, service in self.configuration.services.items()
                for address in service.servers}

    def close(self):
        self.engine.stdin.close()
        status = self.engine.wait(timeout=20)
        if status != 0:
            raise SluiceError(f"the engine ended with status {status}: {self.engine.stderr.read()}")

    def kill(self):
        self.engine.kill()
        self.engine.wait()
