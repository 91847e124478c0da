# SPDX-License-Identifier: BSD-3-Clause
"""The lab: clients, directors, routers and real servers in network namespaces of their own.

plan.py      what is wanted: options, names, files
network.py   networks, and who is on them for each forwarding method
state.py     what has been made so far, on disk, so that `down` removes that and only that
process.py   processes by pid and start time
memory.py    huge pages and their mount
topology.py  namespaces, switch, links
vlan.py      tags on the directors' wires
server.py    nginx as a real server
guest.py     servers with a kernel of their own, for tunnels
director.py  sluice: its configuration, start, stop, client
keepalived.py  who of two directors has the VIP
lab.py       up, down, status: the order in which all that happens
"""
