# SPDX-License-Identifier: BSD-3-Clause
"""Packets from words, made by scapy, which shares no code with sluice."""

from scapy.all import ARP, ICMP, IP, TCP, UDP, Ether, ICMPv6ND_NS, IPv6, Raw

PORT_MAC, CLIENT_MAC = '02:00:00:00:00:01', '02:00:00:00:00:99'


def transport(words, text):
    """The packet's body behind Ethernet, from its first words."""
    kind = words.pop(0)
    if kind in ('tcp', 'udp'):
        src, sport = words.pop(0).split(':')
        words.pop(0)  # >
        dst, dport = words.pop(0).split(':')
        ip = IP(src=src, dst=dst, id=0x1234)
        if kind == 'udp':
            return ip / UDP(sport=int(sport), dport=int(dport))
        flags = words.pop(0).replace('-', '')
        ack = 2000 if 'A' in flags else 0
        return ip / TCP(sport=int(sport), dport=int(dport), flags=flags, seq=1000, ack=ack)
    if kind == 'icmp':
        src, _, dst, number = (words.pop(0) for _ in range(4))
        return IP(src=src, dst=dst) / ICMP(type=int(number))
    if kind == 'ip':
        number, src, _, dst = (words.pop(0) for _ in range(4))
        return IP(src=src, dst=dst, proto=int(number))
    if kind == 'arp':
        return ARP(psrc=words.pop(0), pdst=words.pop(0))
    if kind == 'nd':
        return IPv6(src='fe80::1', dst='ff02::1:ff00:1', hlim=255) / ICMPv6ND_NS(tgt='fe80::2')
    if kind == 'ether':
        return Raw(bytes.fromhex(words.pop(0)))
    raise ValueError(f'no such packet: {text}')


def packet(text):
    """
    tcp A:P > A:P FLAGS | udp A:P > A:P | icmp A > A TYPE | ip PROTOCOL A > A | arp A A | nd |
    ether HEX, then any of: ttl N, len N (bytes of payload), frag N (the header's field), options,
    version N, ihl N, total N, doff N, ulen N (wrong ones), badsum, cut N (the frame's length),
    pad N, to MAC, from MAC, type HEX.
    """
    words = text.split()
    body = transport(words, text)
    ether = Ether(src=CLIENT_MAC, dst=PORT_MAC)
    cut, patches = None, {}
    while words:
        word = words.pop(0)
        if word == 'badsum':
            patches[24] = None
        elif word == 'options':
            body[IP].options = b'\x01\x01\x01\x00'
        else:
            value = words.pop(0)
            if word == 'ttl':
                body[IP].ttl = int(value)
            elif word == 'len':
                body = body / Raw(bytes(i % 251 for i in range(int(value))))
            elif word == 'frag':
                body[IP].flags, body[IP].frag = int(value, 0) >> 13, int(value, 0) & 0x1fff
            elif word == 'ihl':
                body[IP].ihl = int(value)
            elif word == 'version':
                body[IP].version = int(value)
            elif word == 'total':
                body[IP].len = int(value)
            elif word == 'doff':
                body[TCP].dataofs = int(value)
            elif word == 'ulen':
                body[UDP].len = int(value)
            elif word == 'cut':
                cut = int(value)
            elif word == 'pad':
                cut = -int(value)
            elif word == 'to':
                ether.dst = value
            elif word == 'from':
                ether.src = value
            elif word == 'type':
                ether.type = int(value, 16)
            else:
                raise ValueError(f'no such word: {word} in {text}')
    frame = bytearray(bytes(ether / body))
    for offset in patches:
        frame[offset] ^= 0x55
    if cut is not None:
        frame = frame[:cut] if cut >= 0 else frame + bytes(-cut)
    return bytes(frame)


def mac_of(address):
    return '02:00:' + ':'.join(f'{int(part):02x}' for part in address.split('.'))
