# SPDX-License-Identifier: BSD-3-Clause
"""Real servers: one nginx each, that says which one it is.

/           From ADDRESS
/big        a file of BIG_BYTES, the same on all servers; /big?rate=64k at 64 KB a second
UDP port    From ADDRESS, for any datagram
"""

import os
import random

from . import plan as names
from .process import run, spawn, stop, wait_until

BIG_BYTES = 8 << 20

CONFIG = """\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user nobody nogroup;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	default_type text/plain;
	keepalive_timeout 60;
	client_body_temp_path {directory}/body;
	fastcgi_temp_path {directory}/fastcgi;
	proxy_temp_path {directory}/proxy;
	scgi_temp_path {directory}/scgi;
	uwsgi_temp_path {directory}/uwsgi;
	server {{
		listen {http_port} backlog=4096;
		location / {{ return 200 "From {address}\\n"; }}
		location = /big {{ alias {big}; limit_rate $arg_rate; }}
	}}
}}
stream {{
	server {{
		listen {udp_port} udp;
		return "From {address}\\n";
	}}
}}
"""


def big_file(plan):
    return f"{plan.directory}/big"


def make_big_file(plan):
    with open(big_file(plan), "wb") as out:
        out.write(random.Random(plan.name).randbytes(BIG_BYTES))


def start(state, address):
    """Starts one server; start_all() also waits for it."""
    plan = state.plan
    host = names.server_host(address)
    directory = f"{plan.directory}/{host}"
    os.makedirs(directory, mode=0o755, exist_ok=True)
    with open(f"{directory}/nginx.conf", "w", encoding="utf-8") as out:
        out.write(CONFIG.format(directory=directory, address=address, big=big_file(plan),
                                http_port=names.HTTP_PORT, udp_port=names.UDP_PORT))
    run("ip", "netns", "exec", plan.netns(host), "sysctl", "-qw", "net.core.somaxconn=4096")
    spawn(state, host, host, ["nginx", "-p", directory, "-c", f"{directory}/nginx.conf",
                              "-e", f"{directory}/error.log"])


def start_all(state):
    make_big_file(state.plan)
    for address in state.plan.server_addresses():
        start(state, address)
    for address in state.plan.server_addresses():
        if not wait_until(lambda a=address: answers(state.plan, a), 10, 0.1):
            raise names.LabError(f"nginx on {address} does not answer: see "
                                 f"{state.plan.log(names.server_host(address))}")


def answers(plan, address):
    """Asked by the client, directly."""
    done = run("ip", "netns", "exec", plan.netns("client"), "curl", "-s", "-m", "2",
               f"http://{address}:{names.HTTP_PORT}/", check=False)
    return done.stdout == f"From {address}\n"


def stop_all(state):
    for host in state.plan.server_hosts():
        stop(state, host)
