#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Writes the corpus of fuzz_pipeline, but for what libFuzzer made of it (found-*): what each method
does, step by step.
usage: make_pipeline.py DIRECTORY

A step is a line: a packet of tests/lib/frames.py, `reply FLAGS [MORE]` (what left last comes back,
so many bytes more acknowledged), `error-of TYPE CODE REST QUOTED` (likewise quoted), `change BYTE
...`; in front of it may stand `+N` (a delay, see fuzz_pipeline.c), `split`, `cramped`, `worker`.
"""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from frames import Packet

FRAME, ANSWER, CHANGE = 0, 2, 3
FLAGS = {'worker': 8, 'split': 32, 'cramped': 64}
TCP = {'F': 1, 'S': 2, 'R': 4, 'P': 8, 'A': 16}
GIVEN = 160  # bytes; a pattern and the repair of checksums do the rest


def step(line):
    what, delay, words = 0, 0, line.split()
    while words[0] in FLAGS or words[0][0] == '+':
        word = words.pop(0)
        if word[0] == '+':
            delay = int(word)
        else:
            what |= FLAGS[word]
    length = 0
    if words[0] == 'reply':
        flags = sum(TCP[c] for c in words[1])
        data, what = struct.pack('>BH', flags, int((words[2:] or [0])[0])), what | ANSWER
    elif words[0] == 'error-of':
        kind, code, rest, quoted = map(int, words[1:])
        data, what = struct.pack('>BBHB', kind, code, rest, quoted // 4), what | ANSWER | 128
    elif words[0] == 'change':
        data, what = bytes(map(int, words[1:])), what | CHANGE
    else:
        packet = Packet(' '.join(words))
        data = packet.bytes()
        length = len(data)
        what |= packet.port << 2 | (16 if length > GIVEN else 0)
        data = data[:GIVEN]
    return struct.pack('<BBHB', what, delay, length, len(data)) + data


def tcp(client, vip, extra=''):
    """One connection, with payload and its end."""
    return f'''
tcp {client} > {vip} S mss 1460 {extra}
reply SA 1
tcp {client} > {vip} A seq 1001 ack 2001
tcp {client} > {vip} PA seq 1001 ack 2001 len 300
error-of 3 4 1400 60
reply A 56
reply PA 356
tcp {client} > {vip} FA seq 1301 ack 2001
reply FA 400
tcp {client} > {vip} A seq 1302 ack 2002
+125 tcp {client} > {vip} S seq 9000
tcp {client} > {vip} R seq 9001'''


def udp(client, vip):
    """Datagrams, an error about each kind, fragments in order and not."""
    error = 'error-of 1 4 0 80' if '[' in vip else 'error-of 3 3 0 60'
    return f'''
udp {client} > {vip} len 40
{error}
udp {client} > {vip} len 40
reply A
{error}
udp {client} > {vip} len 200 part 0 104 id 9
udp {client} > {vip} len 200 part 104 208 id 9
udp {client} > {vip} len 200 part 104 208 id 10
worker udp {client} > {vip} len 200 part 0 104 id 10
split udp {client} > {vip} len 700
cramped udp {client} > {vip} len 70
udp {client} > {vip} len 1470'''


C4, C6 = '203.0.113.1:1000', '[2001:db8:c::1]:1000'
SEEDS = {}
for number, vip in enumerate(('198.51.100.1:80', '198.51.100.2:80', '198.51.100.3:443',
                              '198.51.100.4:80', '198.51.100.4:81', '198.51.100.5:80',
                              '198.51.100.5:81', '198.51.100.6:80', '198.51.100.6:81',
                              '198.51.100.7:80', '198.51.100.8:80')):
    SEEDS[f'tcp4-{number}'] = tcp(C4, vip)
for number, vip in enumerate((1, 2, 4, 5, 6)):
    SEEDS[f'tcp6-{number}'] = tcp(C6, f'[2001:db8:64::{vip}]:80')
for number, vip in enumerate((4, 5, 6)):
    SEEDS[f'tcp64-{number}'] = tcp(C6, f'[2001:db8:64::{vip}]:81')
for number, vip in enumerate(('1:53', '2:53', '4:82', '5:53', '5:54', '6:53', '6:54')):
    SEEDS[f'udp4-{number}'] = udp(C4, f'198.51.100.{vip}')
for number, vip in enumerate(('2]:53', '3]:700', '4]:80', '5]:54', '6]:53')):
    SEEDS[f'udp6-{number}'] = udp(C6, f'[2001:db8:64::{vip}')
SEEDS |= {
    'masquerade4': '''
udp 192.0.2.12:4000 > 198.18.0.53:53 len 30
reply A
error-of 3 3 0 60
tcp 192.0.2.12:4000 > 198.18.0.53:443 S
reply SA 1
error-of 3 4 1400 60
tcp 192.0.2.12:4000 > 198.18.0.53:443 A len 500
error port-unreachable 192.0.2.12 > 198.18.0.53 : udp 198.18.0.53:53 > 192.0.2.12:4000 len 30
udp 192.0.2.12:4001 > 198.18.0.53:53 len 200 part 104 208
udp 192.0.2.12:4001 > 198.18.0.53:53 len 200 part 0 104
icmp 192.0.2.12 > 198.18.0.53 8
tcp 192.0.2.12:4000 > 198.18.0.53:443 A ttl 1''',
    'masquerade6': '''
udp [2001:db8:a::12]:4000 > [2001:db8:f::1]:53 len 30
reply A
error-of 1 4 0 80
tcp [2001:db8:a::12]:4000 > [2001:db8:f::1]:443 S
reply SA 1
error-of 2 0 0 80
tcp [2001:db8:a::12]:4000 > [2001:db8:f::1]:443 FA len 9
change 4 0
udp [2001:db8:a::12]:4000 > [2001:db8:f::1]:53 len 30''',
    'transit': '''
tcp 203.0.113.1:1000 > 8.8.8.8:80 S
icmp 203.0.113.1 > 10.1.0.1 8
ip 47 203.0.113.1 > 10.2.0.1 len 40
tcp 203.0.113.1:1000 > 10.3.0.1:80 S
udp 203.0.113.1:1000 > 10.4.0.1:80
udp 203.0.113.1:1000 > 192.0.2.99:80
udp 203.0.113.1:1000 > 8.8.8.8:53 len 1473 df
udp 203.0.113.1:1000 > 8.8.8.8:53 len 2900
udp [2001:db8:5::1]:1000 > [2600::1]:53 len 1500
udp [2001:db8:5::1]:1000 > [2001:db8:7::1]:53 len 9
udp [2001:db8:5::1]:1000 > [2001:db8:8::1]:53 len 9
split udp 203.0.113.1:1000 > 8.8.8.8:53 len 3473 df
tcp 203.0.113.1:1000 > 8.8.8.8:80 S ttl 1
tcp 203.0.113.1:1000 > 8.8.8.8:80 S options''',
    'host': '''
arp 192.0.2.9 192.0.2.1
nd
icmp 203.0.113.1 > 198.51.100.1 8
icmp 2001:db8:c::1 > 2001:db8:64::1 128
tcp 203.0.113.1:1000 > 192.0.2.1:22 S
tcp 203.0.113.1:1000 > 198.51.100.1:80 S tag 7
tcp 203.0.113.1:1000 > 198.51.100.1:80 S tag 8
tcp 203.0.113.1:1000 > 198.51.100.1:80 S outer-tag 7 tag 7
udp 127.0.0.1:1000 > 198.51.100.1:53
tcp [2001:db8:c::1]:1000 > [2001:db8:64::1]:80 S hopopts dstopts atomic
error too-big=1300 192.0.2.254 > 192.0.2.1 : ip 4 192.0.2.1 > 192.0.2.14 len 60
tcp 203.0.113.1:1000 > 198.51.100.1:80 S badsum
tcp 203.0.113.1:1000 > 198.51.100.1:80 S cut 40''',
    'changes': '''
tcp 203.0.113.1:1000 > 198.51.100.2:80 S
change 0 3 1
tcp 203.0.113.1:1000 > 198.51.100.2:80 A
tcp 203.0.113.1:1001 > 198.51.100.2:80 S
change 0 3 2
tcp 203.0.113.1:1001 > 198.51.100.2:80 A
+254 change 2
change 2
tcp 203.0.113.1:1001 > 198.51.100.2:80 A
change 0 14 1
tcp 203.0.113.1:1000 > 198.51.100.5:80 S
reply SA 1
tcp 203.0.113.1:1000 > 198.51.100.5:80 A len 1400 seq 1001
change 5 2
udp 203.0.113.1:1000 > 198.51.100.5:53 len 1300
change 3 1
udp 203.0.113.1:1001 > 198.51.100.5:53 len 10''',
    'narrow': '''
udp [2001:db8:c::1]:1000 > [2001:db8:64::4]:80 len 1232
tcp [2001:db8:c::1]:1000 > [2001:db8:64::4]:81 S
tcp [2001:db8:c::1]:1000 > [2001:db8:64::4]:81 A len 1220
udp [2001:db8:c::1]:1000 > [2001:db8:64::5]:54 len 1232
udp [2001:db8:c::1]:1000 > [2001:db8:64::6]:53 len 1232
udp 203.0.113.1:1000 > 198.51.100.4:82 len 1252
udp 203.0.113.1:1000 > 198.51.100.6:53 len 1252 df
tcp [2001:db8:c::1]:1000 > [2001:db8:64::6]:81 S
tcp [2001:db8:c::1]:1000 > [2001:db8:64::6]:81 A seq 1001 len 1220
error-of 3 4 1000 60
tcp [2001:db8:c::1]:1000 > [2001:db8:64::6]:81 A seq 1001 len 1220''',
    'overlaps': '''
udp 203.0.113.1:1000 > 198.51.100.5:53 len 400 part 0 104
udp 203.0.113.1:1000 > 198.51.100.5:53 len 400 part 96 208
udp 203.0.113.1:1000 > 198.51.100.5:53 len 400 part 104 208
udp 203.0.113.1:1000 > 198.51.100.5:54 len 400 part 104 208
udp 203.0.113.1:1000 > 198.51.100.5:54 len 400 part 104 208
udp 203.0.113.1:1000 > 198.51.100.5:54 len 400 part 208 408
+50 udp 203.0.113.1:1000 > 198.51.100.5:54 len 400 part 0 104
udp [2001:db8:c::1]:1000 > [2001:db8:64::6]:53 len 400 part 208 408
udp [2001:db8:c::1]:1000 > [2001:db8:64::6]:53 len 400 part 104 208
udp [2001:db8:c::1]:1000 > [2001:db8:64::6]:53 len 400 part 0 104
tcp 203.0.113.1:1000 > 198.51.100.6:80 A len 400 part 0 8
tcp 203.0.113.1:1000 > 198.51.100.6:80 A len 400 part 8 16''',
}
# With one worker and two, with room and hardly any, in each way of transit.
CHOICES = {'masquerade4': 0x30, 'masquerade6': 0x30, 'transit': 0x20}


def main():
    directory = pathlib.Path(sys.argv[1])
    for name, lines in SEEDS.items():
        steps = b''.join(step(line) for line in lines.strip().splitlines())
        for variant, choice in enumerate((0, 0x8b)):
            first = CHOICES.get(name, 0) | choice
            (directory / f'{name}-{variant}').write_bytes(bytes([first, variant * 7]) + steps)


main()
