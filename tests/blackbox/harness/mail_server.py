"""A mail server (Debian's python3-aiosmtpd) whose mailboxes do what their names say, and what it took, read by Python's e-mail
package."""
import asyncio
import email
import email.policy
import pathlib
import ssl
import subprocess

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from harness.hostile_gateway import free_port


class Taken:
    def __init__(self, session, envelope):
        self.sender, self.recipients = envelope.mail_from, envelope.rcpt_tos
        self.message = email.message_from_bytes(envelope.original_content, policy=email.policy.SMTP)
        self.tls = session.ssl is not None
        self.peer = session.peer
        self.greeting = session.host_name

    def text(self, kind="plain"):
        return self.message.get_body((kind,)).get_content().replace("\r\n", "\n").rstrip("\n")


class Handler:
    """Mailboxes: unknown@ is refused, full@ for now, grey@ once, spam@ after the text, gone@ never answered after it, cut@ ends
    the connection there; all others take what comes."""

    def __init__(self):
        self.taken, self.seen, self.lost = [], set(), []

    async def handle_RCPT(self, server, session, envelope, address, options):
        box = address.split("@")[0]
        if box == "unknown":
            return "550 5.1.1 <%s>: no such user" % address
        if box == "grey" and address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 Greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        box = envelope.rcpt_tos[0].split("@")[0]
        if box == "spam":
            return "554 5.7.1 This looks like spam"
        if box in ("gone", "cut"):
            self.lost.append(Taken(session, envelope))
            if box == "cut":
                server.transport.abort()
            await asyncio.sleep(3600)
        self.taken.append(Taken(session, envelope))
        return "250 2.0.0 Ok: queued as Q%06d" % len(self.taken)


def make_certificate(folder):
    """A key and a certificate for 127.0.0.1, its own authority."""
    key, cert = pathlib.Path(folder) / "key.pem", pathlib.Path(folder) / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout",
                    str(key), "-out", str(cert), "-subj", "/CN=mail.test", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    return str(key), str(cert)


class MailServer(Controller):
    """Listens from start() on. With a certificate it offers STARTTLS; with a user it takes mail from that user alone; utf8: it takes
    addresses beyond ASCII."""

    def __init__(self, certificate=None, user=None, port=None, utf8=False):
        self.context, self.utf8 = None, utf8
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate[1], certificate[0])
        self.user, self.logins = user, 0
        super().__init__(Handler(), hostname="127.0.0.1", port=port or free_port())

    @property
    def taken(self):
        return self.handler.taken

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins += 1
        right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self.user
        return AuthResult(success=right, handled=False)

    def factory(self):
        return SMTP(self.handler, hostname="mail.test", tls_context=self.context, authenticator=self.authenticate if self.user else None,
                    auth_required=bool(self.user), require_starttls=bool(self.user),
                    enable_SMTPUTF8=self.utf8)
