# SPDX-License-Identifier: BSD-3-Clause
"""Packets from words, made by scapy, which shares no code with sluice."""

import copy
import socket
import struct

from scapy.all import (ARP, ICMP, IP, TCP, UDP, Ether, ICMPv6DestUnreach, ICMPv6EchoReply,
                       ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig, ICMPv6TimeExceeded,
                       IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN, Raw)

PORT_MAC, CLIENT_MAC = '02:00:00:00:00:01', '02:00:00:00:00:99'
ICMP_ERRORS = {'port-unreachable': (3, 3), 'host-unreachable': (3, 1), 'exceeded': (11, 0),
               'too-big': (3, 4), 'prohibited': (3, 13), 'redirect': (5, 1)}
# in front of the upper layer
EXTENSIONS = {'hopopts': lambda: IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]),
              'dstopts': lambda: IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]),
              'atomic': lambda: IPv6ExtHdrFragment(id=7)}


def port_mac(port):
    return f'02:00:00:00:{port:02x}:01'


def mac_of(address):
    """The MAC address that the rig's neighbours have."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    return '02:00:' + socket.inet_pton(family, address)[-4:].hex(':')


def endpoint(text):
    """ADDRESS:PORT, an IPv6 address in brackets."""
    address, _, port = text.rpartition(':')
    return address.strip('[]'), int(port)


def ip_header(src, dst, **fields):
    if ':' in src:
        return IPv6(src=src, dst=dst, hlim=64, **{k: v for k, v in fields.items() if k == 'nh'})
    return IP(src=src, dst=dst, id=0x1234, **{k: v for k, v in fields.items() if k != 'nh'})


def icmp_error(family, kind):
    """The header of an error: a key of ICMP_ERRORS, too-big with =MTU."""
    kind, _, mtu = kind.partition('=')
    if family == 4:
        number, code = ICMP_ERRORS[kind]
        return ICMP(type=number, code=code, nexthopmtu=int(mtu or 0)) if mtu else ICMP(
            type=number, code=code)
    if kind == 'exceeded':
        return ICMPv6TimeExceeded(code=0)
    if kind == 'too-big':
        return ICMPv6PacketTooBig(mtu=int(mtu))
    return ICMPv6DestUnreach(code={'port-unreachable': 4, 'host-unreachable': 3, 'prohibited': 1}[kind])


class Packet:
    """
    tcp A:P > A:P FLAGS | udp A:P > A:P | icmp A > A TYPE | ip PROTOCOL A > A | arp A A | nd |
    error KIND A > A [WORDS] : PACKET, see icmp_error(); what it quotes is after the colon |
    ether HEX, then any of: ttl N, tos N, id N (or l4: the number that its upper layer has as checksum; of IPv6: of a fragment), df, len N (bytes of payload), frag N (the header's
    field), part FROM TO (a fragment: these bytes of the IP payload), nosum (UDP), options,
    seq N, ack N, mss N, sack FROM TO, nops N (so many bytes of such options), toa A:P, proxy A:P > A:P (what a server is told about the client),
    version N, ihl N, total N, doff N, ulen N (wrong ones), badsum, quote N (of an error: bytes that
    it quotes), hopopts, dstopts, atomic (IPv6 extension headers), cut N (the frame's length), pad N,
    on PORT (where it arrives), to MAC, from MAC, type HEX, tag N (a VLAN's; the outermost first),
    outer-tag N (802.1ad's). IPv6 addresses with a port stand in brackets.
    """

    def __init__(self, text):
        text, _, inner = text.partition(' : ')
        self.text, self.port = text, 0
        self.src_mac, self.dst_mac, self.type = CLIENT_MAC, None, None
        self.part = self.cut = self.quote = None
        self.badsum = self.id_of_l4 = False
        self.fragment_id = 0x12345678
        self.tags = b''
        self.inner = Packet(inner) if inner else None
        words = text.split()
        self.body = self.transport(words)
        while words:
            self.word(words.pop(0), words)

    def transport(self, words):
        """The packet's body behind Ethernet, from its first words."""
        kind = words.pop(0)
        if kind in ('tcp', 'udp'):
            (src, sport), _, (dst, dport) = (
                endpoint(words.pop(0)), words.pop(0), endpoint(words.pop(0)))
            ip = ip_header(src, dst)
            if kind == 'udp':
                return ip / UDP(sport=sport, dport=dport)
            flags = words.pop(0).replace('-', '')
            ack = 2000 if 'A' in flags else 0
            return ip / TCP(sport=sport, dport=dport, flags=flags, seq=1000, ack=ack)
        if kind == 'icmp':
            src, _, dst, number = (words.pop(0) for _ in range(4))
            if ':' in src:
                echo = {128: ICMPv6EchoRequest, 129: ICMPv6EchoReply}[int(number)]
                return ip_header(src, dst) / echo()
            return IP(src=src, dst=dst) / ICMP(type=int(number))
        if kind == 'error':
            what, src, _, dst = (words.pop(0) for _ in range(4))
            return ip_header(src, dst) / icmp_error(6 if ':' in src else 4, what)
        if kind == 'ip':
            number, src, _, dst = (words.pop(0) for _ in range(4))
            if ':' in src:
                return ip_header(src, dst, nh=int(number))
            return IP(src=src, dst=dst, proto=int(number), id=0x1234)
        if kind == 'arp':
            return ARP(psrc=words.pop(0), pdst=words.pop(0))
        if kind == 'nd':
            return IPv6(src='fe80::1', dst='ff02::1:ff00:1', hlim=255) / ICMPv6ND_NS(tgt='fe80::2')
        if kind == 'ether':
            return Raw(bytes.fromhex(words.pop(0)))
        raise ValueError(f'no such packet: {self.text}')

    def word(self, word, rest):
        ip = self.body
        flags = {'badsum', 'options', 'df', 'nosum', *EXTENSIONS}
        value = None if word in flags else rest.pop(0)
        if word == 'badsum':
            self.badsum = True
        elif word == 'options':
            ip[IP].options = b'\x01\x01\x01\x00'
        elif word == 'df':
            ip[IP].flags = 'DF'
        elif word == 'nosum':
            ip[UDP].chksum = 0
        elif word in EXTENSIONS:
            above = ip[IPv6].payload
            ip[IPv6].remove_payload()
            self.body = ip / EXTENSIONS[word]() / above
        elif word in ('seq', 'ack'):
            setattr(ip[TCP], word, int(value))
        elif word == 'mss':
            ip[TCP].options = [*ip[TCP].options, ('MSS', int(value))]
        elif word == 'sack':
            block = ('SAck', (int(value), int(rest.pop(0))))
            ip[TCP].options = [*ip[TCP].options, ('NOP', None), ('NOP', None), block]
        elif word == 'nops':
            ip[TCP].options = [*ip[TCP].options, *[('NOP', None)] * int(value)]
        elif word == 'toa':
            ip[TCP].options = [*ip[TCP].options, (254, toa(value))]
        elif word == 'proxy':
            payload = bytes(ip[UDP if UDP in ip else TCP].payload)
            ip[UDP if UDP in ip else TCP].remove_payload()
            header = proxy_header(value, rest.pop(0) and rest.pop(0), UDP in ip)
            self.body = ip / Raw(header + payload)
        elif word == 'ttl':
            set_ttl(ip, int(value))
        elif word == 'tos':
            set_tos(ip, int(value))
        elif word == 'id':
            self.id_of_l4 = value == 'l4'
            if isinstance(ip, IPv6):
                self.fragment_id = int(value, 0)
            else:
                ip[IP].id = 0 if self.id_of_l4 else int(value, 0)
        elif word == 'len':
            self.body = ip / Raw(bytes(i % 251 for i in range(int(value))))
        elif word == 'frag':
            ip[IP].flags, ip[IP].frag = int(value, 0) >> 13, int(value, 0) & 0x1fff
        elif word == 'part':
            self.part = int(value), int(rest.pop(0))
        elif word == 'ihl':
            ip[IP].ihl = int(value)
        elif word == 'version':
            ip.version = int(value)
        elif word == 'total':
            ip[IP].len = int(value)
        elif word == 'doff':
            ip[TCP].dataofs = int(value)
        elif word == 'ulen':
            ip[UDP].len = int(value)
        elif word == 'quote':
            self.quote = int(value)
        elif word == 'cut':
            self.cut = int(value)
        elif word == 'pad':
            self.cut = -int(value)
        elif word in ('tag', 'outer-tag'):
            self.tags += tag(int(value, 0), 0x8100 if word == 'tag' else 0x88a8)
        elif word == 'on':
            self.port = int(value)
        elif word == 'to':
            self.dst_mac = value
        elif word == 'from':
            self.src_mac = value
        elif word == 'type':
            self.type = int(value, 16)
        else:
            raise ValueError(f'no such word: {word} in {self.text}')

    def copy(self):
        return copy.deepcopy(self)

    def ip_bytes(self):
        """From the IP header on."""
        whole = self.body
        if self.inner is not None:
            quoted = self.inner.ip_bytes()
            whole = whole / Raw(quoted[:self.quote])
        if self.id_of_l4:
            whole[IP].id = l4_checksum(whole)
        if self.part is not None:
            whole = fragment(whole, *self.part, self.fragment_id)
        return bytes(whole)

    def bytes(self):
        ether = Ether(src=self.src_mac, dst=self.dst_mac or port_mac(self.port))
        known = isinstance(self.body, (IP, IPv6, ARP))
        ether.type = self.type or (bytes(ether / self.body)[12:14] if known else None)
        if isinstance(ether.type, bytes):
            ether.type = int.from_bytes(ether.type, 'big')
        frame = bytearray(bytes(ether) + self.ip_bytes()) if known else bytearray(
            bytes(ether / self.body))
        if self.badsum:
            frame[24] ^= 0x55
        frame[12:12] = self.tags
        if self.cut is not None:
            frame = frame[:self.cut] if self.cut >= 0 else frame + bytes(-self.cut)
        return bytes(frame)


def tag(number, kind=0x8100):
    return struct.pack('!HH', kind, number)


def packed(text):
    """An endpoint's address and port, in network order."""
    address, port = endpoint(text)
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    return socket.inet_pton(family, address), struct.pack('!H', port)


def l4_checksum(ip):
    """As it will be: of what the outermost header carries."""
    return IP(bytes(ip)).payload.chksum


def toa(client):
    """What the option holds: port, then address."""
    address, port = packed(client)
    return port + address


def proxy_header(src, dst, udp):
    """Of the PROXY protocol, version 2, with a TLV of type NOOP (4) that makes it a multiple of 8."""
    (src, src_port), (dst, dst_port) = packed(src), packed(dst)
    body = src + dst + src_port + dst_port
    body += struct.pack('!BH', 4, -(16 + len(body) + 3) % 8)
    body += bytes(-(16 + len(body)) % 8)
    family = 0x10 if len(src) == 4 else 0x20
    return b'\r\n\r\n\0\r\nQUIT\n' + struct.pack(
        '!BBH', 0x21, family | (2 if udp else 1), len(body)) + body


def set_ttl(ip, ttl):
    if isinstance(ip, IPv6):
        ip.hlim = ttl
    else:
        ip.ttl = ttl


def get_ttl(ip):
    return ip.hlim if isinstance(ip, IPv6) else ip.ttl


def set_tos(ip, tos):
    if isinstance(ip, IPv6):
        ip.tc = tos
    else:
        ip.tos = tos


def fragment(whole, start, end, number6):
    """The fragment of a whole packet that has these bytes of its payload."""
    data = bytes(whole.payload)
    header = whole.copy()
    header.remove_payload()
    part, more = Raw(data[start:end]), end < len(data)
    if isinstance(whole, IPv6):
        number, header.nh = bytes(whole)[6], 44
        return header / IPv6ExtHdrFragment(nh=number, offset=start // 8, m=int(more),
                                           id=number6) / part
    header.proto, header.frag = bytes(whole)[9], start // 8
    header.flags = int(header.flags) | (1 if more else 0)
    return header / part


def packet(text):
    return Packet(text).bytes()
