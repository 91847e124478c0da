# SPDX-License-Identifier: BSD-3-Clause
"""Real servers: one nginx each, that says which one it is.

/           From ADDRESS
/who        From ADDRESS to CLIENT, as the server sees the client
/big        a file of BIG_BYTES, the same on all servers; /big?rate=64k at 64 KB a second
/files/..   what lies in the lab's directory "files"
/upload/..  takes what is PUT there
PROXY_PORT  the same with the PROXY protocol before each request; /who says what it said
UDP port    From ADDRESS, for any datagram
"""

import os
import random

from . import guest, topology
from . import plan as names
from .process import run, spawn, stop, wait_until

BIG_BYTES = 8 << 20
PROXY_PORT = 8081
START_PATIENCE_S = 60          # a kernel of its own boots first, where tunnels end

CONFIG = """\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user {user};
worker_processes 1;
pid {writable}/nginx.pid;
error_log {writable}/error.log;
events {{ worker_connections 4096; }}
http {{
	log_format who '$proxy_protocol_addr $proxy_protocol_port $request_method $request_uri $status';
	access_log off;
	default_type text/plain;
	keepalive_timeout 60;
	client_max_body_size 200m;
	client_body_temp_path {writable}/body;
	fastcgi_temp_path {writable}/fastcgi;
	proxy_temp_path {writable}/proxy;
	scgi_temp_path {writable}/scgi;
	uwsgi_temp_path {writable}/uwsgi;
	server {{
		{http_listen}
		location / {{ return 200 "From {address}\\n"; }}
		location = /who {{ return 200 "From {address} to $remote_addr\\n"; }}
		location = /big {{ alias {big}; limit_rate $arg_rate; }}
		location /files/ {{ alias {files}/; }}
		location /upload/ {{ root {writable}; dav_methods PUT; }}
	}}
	server {{
		{proxy_listen}
		access_log {writable}/proxied.log who;
		location / {{ return 200 "From {address}\\n"; }}
		location = /who {{ return 200 "From {address} to $proxy_protocol_addr\\n"; }}
		location = /big {{ alias {big}; limit_rate $arg_rate; }}
		location /upload/ {{ root {writable}; dav_methods PUT; }}
	}}
}}
stream {{
	server {{
		{udp_listen}
		return "From {address}\\n";
	}}
}}
"""


def big_file(plan):
    return f"{plan.directory}/big"


def files(plan):
    return f"{plan.directory}/files"


def make_files(plan):
    os.makedirs(files(plan), mode=0o755, exist_ok=True)
    with open(big_file(plan), "wb") as out:
        out.write(random.Random(plan.name).randbytes(BIG_BYTES))


def listen(plan, port, more=""):
    lines = [f"listen {port}{more};"]
    if 6 in plan.families:
        lines.append(f"listen [::]:{port}{more};")
    return " ".join(lines)


def configuration(plan, address, writable):
    return CONFIG.format(
        user="nobody nogroup", writable=writable, address=address, big=big_file(plan),
        files=files(plan), http_listen=listen(plan, plan.server_port, " backlog=4096"),
        proxy_listen=listen(plan, PROXY_PORT, " proxy_protocol"),
        udp_listen=listen(plan, plan.server_udp_port, " udp"))


def start(state, address):
    """Starts one server; start_all() also waits for it."""
    plan = state.plan
    host = plan.topology.hosts[names.server_host(address)]
    directory = f"{plan.directory}/{host.name}"
    writable = "/tmp/nginx" if host.own_kernel else directory
    os.makedirs(directory, mode=0o755, exist_ok=True)
    with open(f"{directory}/nginx.conf", "w", encoding="utf-8") as out:
        out.write(configuration(plan, address, writable))
    argv = ["nginx", "-p", writable, "-c", f"{directory}/nginx.conf", "-e", f"{writable}/error.log"]
    prepare = f"mkdir -p -m 777 {writable}/upload; sysctl -qw net.core.somaxconn=4096"
    if host.own_kernel:
        lines = [*topology.address_lines(plan, host), *topology.vip_lines(plan.vips()),
                 *topology.route_lines(plan.families, host.routes)]
        guest.start(state, host, lines, f"{prepare}; exec {' '.join(argv)}")
    else:
        run("ip", "netns", "exec", plan.netns(host.name), "sh", "-c", prepare)
        spawn(state, host.name, host.name, argv)


def start_all(state):
    make_files(state.plan)
    for address in state.plan.server_addresses():
        start(state, address)
    for address in state.plan.server_addresses():
        if not wait_until(lambda a=address: answers(state.plan, a), START_PATIENCE_S, 0.1):
            raise names.LabError(f"nginx on {address} does not answer: see "
                                 f"{state.plan.log(names.server_host(address))}")


def answers(plan, address):
    """Asked directly, past every director: by its last router, by the client, or by itself."""
    host = names.server_host(address)
    asker = "far" if plan.hops else "client" if plan.topology.servers_beside_client() else host
    done = run("ip", "netns", "exec", plan.netns(asker), "curl", "-s", "-m", "2",
               plan.url(address=address, port=plan.server_port), check=False)
    return done.stdout == f"From {address}\n"


def stop_all(state):
    for host in state.plan.server_hosts():
        stop(state, host)
