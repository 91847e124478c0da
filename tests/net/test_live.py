# SPDX-License-Identifier: BSD-3-Clause
"""Changes while traffic flows."""

import json

from bench import check, equal, eventually, refused
from netlab import director
from netlab import plan as names
from runner import scenario

STANDARD = {"udp": True, "idle_servers": 1}
THIRD = "192.168.8.14"


def used(lab, count=12):
    return set(lab.answers(count))


@scenario(**STANDARD)
def third_server(lab):
    """A server that is added live is used at once, in turn."""
    lab.add_server(THIRD)
    eventually(lambda: lab.server(THIRD)["state"] == "reachable", "it is not reachable")
    answers = lab.answers(9)
    equal(len(set(answers[:3])), 3, "different answers among three")
    equal(answers, answers[:3] * 3, "answers")


def busy_server(lab):
    """The one with the open download."""
    return eventually(lambda: [one["address"] for one in lab.servers() if one["active"] > 0],
                      "no server has a connection")[0]


@scenario(**STANDARD)
def weight_zero_drains(lab):
    """A server with weight 0 keeps its connections and gets no new ones."""
    download = lab.download("2m")
    busy = busy_server(lab)
    lab.edit_server(busy, weight=0)
    check(f"From {busy}" not in used(lab), f"{busy} still gets connections")
    check(download.running(), "the download ended too early to prove anything")
    download.finish()
    lab.edit_server(busy, weight=1)
    check(f"From {busy}" in used(lab), f"{busy} gets no connections again")


@scenario(**STANDARD)
def server_deleted(lab):
    """Connections of a deleted server stall and go on when it is added again; new ones go elsewhere."""
    download = lab.download("2m")
    busy = busy_server(lab)
    before = lab.drops()["server_removed"]
    lab.delete_server(busy)
    check(f"From {busy}" not in used(lab), f"{busy} still gets connections")
    eventually(lambda: lab.drops()["server_removed"] > before, "no packet was dropped for the server that is gone")
    lab.add_server(busy)
    download.finish()


@scenario(**STANDARD)
def service_added_and_deleted(lab):
    """A second service on another port serves as soon as it is there, and is gone when it is deleted."""
    new = {"protocol": "tcp", "address": names.VIP, "port": 8080, "scheduler": "wrr",
           "servers": [{"address": "192.168.8.12", "weight": 2}]}
    before = lab.config()
    lab.spawn("second", "server12", "/usr/bin/python3", "-m", "http.server", "8080",
              "--bind", names.VIP, "--directory", "/usr/share/doc/libc6")
    check(lab.curl_fails(port=8080), "something serves port 8080 already")
    lab.change("service.add", service=new)
    eventually(lambda: "Directory listing" in lab.curl(port=8080), "the new service does not serve")
    key = {"protocol": "tcp", "address": names.VIP, "port": 8080}
    lab.change("service.delete", service=key)
    check(lab.curl_fails(port=8080), "the deleted service serves")
    equal(lab.config(), before, "configuration")


@scenario(**STANDARD)
def any_port(lab):
    """An any-port service takes what no other does; its connections outlive an exact one put over it."""
    servers = lab.config()["services"][0]["servers"]
    lab.change("service.delete", service=lab.service_key)
    lab.change("service.add", service={**lab.service_key, "port": 0, "scheduler": "rr",
                                     "servers": [{"address": one["address"]} for one in servers]})
    equal(len(used(lab)), 2, "servers that answer")
    download = lab.download("2m")
    listed = lab.call("connection.list", state="ESTABLISHED")["connections"]
    busy = [one["server"] for one in listed]
    equal(len(busy), 1, "established connections")
    other = next(one for one in servers if one["address"] != busy[0])
    lab.change("service.add", service={**lab.service_key, "servers": [other]})
    equal(used(lab), {f"From {other['address']}"}, "answers of the exact service")
    check(download.running(), "the download ended too early to prove anything")
    download.finish()


@scenario(**STANDARD)
def mtu(lab):
    """The MTU changes live, of the port and of its twin; one that the device refuses changes nothing."""
    smaller = json.loads(json.dumps(lab.config()))
    smaller["ports"][0]["mtu"] = 1300
    lab.apply(smaller)
    link = json.loads(lab.run("director", "ip", "-j", "link", "show", "lan0").stdout)
    equal(link[0]["mtu"], 1300, "MTU of the twin")

    def passes(size):
        return lab.run("client", "ping", "-c1", "-W1", "-M", "do", "-s", str(size - 28), names.VIP)
    eventually(lambda: passes(1300), "no answer to a ping of 1300 bytes")
    lab.apply(lab.first_config)
    eventually(lambda: passes(1500), "no answer to a ping of 1500 bytes")


@scenario(**STANDARD)
def broken_changes_change_nothing(lab):
    """A broken configuration is refused as a whole, with the place of its mistake."""
    before, generation = lab.config(), lab.generation()
    broken = json.loads(json.dumps(before))
    broken["services"][0]["servers"][1]["address"] = "192.168.8.1333"
    error = refused(lab.apply, broken)
    equal(error.data["path"], "/services/0/servers/1/address", "place of the mistake")
    path = f"{lab.plan.directory}/broken.json"
    with open(path, "w", encoding="utf-8") as out:
        out.write('{"ports": [,]}\n')
    said = lab.ctl("config", "apply", path, status=1)
    check("broken.json:1:" in said, f"no position in {said!r}")
    equal(lab.config(), before, "configuration")
    equal(lab.generation(), generation, "generation")
    equal(len(used(lab)), 2, "servers that answer")


@scenario(**STANDARD)
def hang_up_reloads(lab):
    """SIGHUP applies the file again; a broken file changes nothing."""
    document = json.loads(json.dumps(lab.first_config))
    del document["services"][0]["servers"][1]
    director.write_json(lab.plan.config_path, document)
    director.hang_up(lab.state)
    eventually(lambda: len(lab.servers()) == 1, "the file is not applied")
    lab.wait_until_taken_up()
    equal(used(lab, 4), {"From 192.168.8.12"}, "answers")
    with open(lab.plan.config_path, "w", encoding="utf-8") as out:
        out.write("{")
    director.hang_up(lab.state)
    eventually(lambda: "sluice.json:1:" in lab.log(), "the log does not name the mistake")
    equal(len(lab.servers()), 1, "servers after a broken file")


@scenario(**STANDARD)
def confirm_or_roll_back(lab):
    """A change that nobody confirms is taken back; other writes wait until then."""
    before = lab.config()
    changed = json.loads(json.dumps(before))
    del changed["services"][0]["servers"][0]
    lab.call("config.apply", config=changed, confirm_within_s=2)
    equal(len(lab.servers()), 1, "servers after the change")
    refused(lab.add_server, THIRD)
    eventually(lambda: len(lab.servers()) == 2, "it is not rolled back", 5)
    equal(lab.config(), before, "configuration")


def change_mac(lab, announce, patience_s):
    """Gives .13 a new network card, and the old one back."""
    lab.run("server13", "sysctl", "-qw", f"net.ipv4.conf.eth0.arp_notify={announce}")
    for mac in ("02:00:00:00:09:13", names.mac("192.168.8.13")):
        lab.run("server13", "ip", "link", "set", "eth0", "address", mac)
        eventually(lambda: len(used(lab, 2)) == 2, f"{mac} is not learned", patience_s)


@scenario(**STANDARD)
def server_changes_its_mac(lab):
    """A server with a new network card, which announces itself, is used without a pause."""
    change_mac(lab, announce=1, patience_s=8)


@scenario(only_full=True, **STANDARD)
def server_changes_its_mac_silently(lab):
    """A new network card that says nothing is found when Linux asks again."""
    change_mac(lab, announce=0, patience_s=120)


@scenario(**STANDARD)
def external_vip(lab):
    """A VIP that somebody else manages is served only while it is on the twin."""
    vip = "192.168.8.101"
    document = json.loads(json.dumps(lab.first_config))
    document["vips"].append({"vip": vip, "address": "external", "port": names.TWIN})
    document["services"].append({**document["services"][0], "address": vip})
    twin = ("ip", "address"), ("dev", names.TWIN)
    for host in lab.plan.server_hosts():
        lab.run(host, "ip", "address", "replace", f"{vip}/32", "dev", "lo")
    lab.apply(document)
    check(lab.curl_fails(address=vip), "it is served before it is there")
    for _ in range(2):
        lab.run("director", *twin[0], "add", f"{vip}/32", *twin[1])
        eventually(lambda: not lab.curl_fails(address=vip), "it is not served", 10)
        lab.run("director", *twin[0], "del", f"{vip}/32", *twin[1])
        eventually(lambda: lab.curl_fails(address=vip), "it is served though it is gone")
    equal(len(used(lab)), 2, "servers that answer on the managed VIP")
