# SPDX-License-Identifier: BSD-3-Clause
"""A real server: `answer.py ADDRESS TCP-PORT UDP-PORT` says "From ADDRESS" over HTTP and to any datagram."""

import http.server
import socketserver
import sys
import threading

ADDRESS, TCP_PORT, UDP_PORT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TEXT = f"From {ADDRESS}\n".encode()
BIG = bytes(range(256)) * 4096 * 2


class Http(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = BIG if self.path == "/big" else TEXT
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(TEXT, self.client_address)


class Addresses(socketserver.UDPServer):
    """Answers from the address that was asked: with direct routing that is the VIP."""

    allow_reuse_address = True


def main():
    # One socket for each address of the host: a datagram's answer then leaves from the right one.
    for address in sys.argv[4:] + [ADDRESS]:
        server = Addresses((address, UDP_PORT), Datagram)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    http.server.ThreadingHTTPServer(("0.0.0.0", TCP_PORT), Http).serve_forever()


main()
