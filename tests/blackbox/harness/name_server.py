"""A name server that says what a test tells it, and changes its mind: on port 53 of loopback, so for network namespaces of one's own."""
import ipaddress
import socket
import struct
import threading

A, AAAA = 1, 28


class NameServer:
    """names: {"name": [addresses]}, or a function of how often that was asked before. Nothing is to be kept: a TTL of 0."""

    def __init__(self, host="127.0.0.1"):
        self.names, self.asked = {}, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 53))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            self.socket.sendto(self.answer(question), peer)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        name, (kind,) = ".".join(labels).lower(), struct.unpack(">H", question[at + 1:at + 3])
        said = self.names.get(name, [])
        if callable(said):
            said = said(sum(n == name and k == kind for n, k in self.asked))
        self.asked.append((name, kind))
        found = [ipaddress.ip_address(a) for a in said]
        found = [a.packed for a in found if (a.version == 4 and kind == A) or (a.version == 6 and kind == AAAA)]
        head = question[:2] + struct.pack(">HHHHH", 0x8580, 1, len(found), 0, 0)
        return head + question[12:at + 5] + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(a)) + a for a in found)
