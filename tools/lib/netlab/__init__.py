# SPDX-License-Identifier: BSD-3-Clause
"""The direct-routing lab: a client, a director and real servers in network namespaces of their own.

plan.py      who there is: names, addresses, files
state.py     what has been made so far, on disk, so that `down` removes that and only that
process.py   processes by pid and start time
memory.py    huge pages and their mount
topology.py  namespaces, switch, links
server.py    nginx as a real server
director.py  sluice: its configuration, start, stop, client
lab.py       up, down, status: the order in which all that happens
"""
