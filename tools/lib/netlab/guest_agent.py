# SPDX-License-Identifier: BSD-3-Clause
"""Runs commands for the lab in a server with a kernel of its own: one JSON line there, one back."""

import json
import socketserver
import subprocess
import sys


class Agent(socketserver.StreamRequestHandler):
    def handle(self):
        want = json.loads(self.rfile.readline())
        try:
            done = subprocess.run(want["argv"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, errors="replace", check=False,
                                  timeout=want["timeout"])
            said = {"status": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        except (OSError, subprocess.TimeoutExpired) as error:
            said = {"status": 127, "stdout": "", "stderr": str(error)}
        self.wfile.write(json.dumps(said).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("", int(sys.argv[1])), Agent).serve_forever()
