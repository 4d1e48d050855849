"""A small real mail server: STARTTLS or TLS with a certificate of its own, sign-in, and answers
that can be set.

Source: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH PLAIN).
"""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "postmaster", "birch-9f2c 1b7e"


def certificate(folder: Path, host: str = "localhost") -> Path:
    """Key and self-signed certificate for ``host`` in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class FakeSmtp:
    """A mail server with the e-mails that it accepted. ``refuses`` maps a command to the responses
    to its next uses; ``hang up`` closes the connection.
    """

    def __init__(self, pem: Path, *, from_the_start: bool = False, starttls: bool = True) -> None:
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(pem)
        self.from_the_start, self.starttls = from_the_start, starttls
        self.offers: list[str] = []
        self.taken: list[EmailMessage] = []
        self.envelopes: list[tuple[str, str]] = []
        self.refuses: dict[str, list[str]] = {}
        self.said_in_clear: list[str] = []
        self.conversations = 0

    @contextmanager
    def running(self) -> Iterator[FakeSmtp]:
        server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores broken connections, which are part of the tests."""


def _handler(smtp: FakeSmtp) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        safe = False

        def setup(self) -> None:
            if smtp.from_the_start:
                self._encrypt()
            super().setup()

        def _encrypt(self) -> None:
            self.request = smtp.tls.wrap_socket(self.request, server_side=True)
            self.safe = True

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()
            self.request.close()

        def handle(self) -> None:
            smtp.conversations += 1
            self.signed_in, self.sender, self.recipient = False, "", ""
            self.say("220 fake")
            while line := self.rfile.readline().decode().strip():
                if not self.safe:
                    smtp.said_in_clear.append(line)
                verb = line.split(" ")[0].split(":")[0].upper()
                if answers := smtp.refuses.get(verb):
                    if (answer := answers.pop(0)) == "hang up":
                        return
                    self.say(answer)
                elif self.answer(verb, line) == "end":
                    return

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def answer(self, verb: str, line: str) -> str | None:
            match verb:
                case "EHLO":
                    offers = ["AUTH PLAIN"] if self.safe else ["STARTTLS"] if smtp.starttls else []
                    for offer in ["fake", *smtp.offers, *offers]:
                        self.say(f"250-{offer}")
                    self.say("250 SIZE 1000000")
                case "STARTTLS":
                    self.say("220 go ahead")
                    self._encrypt()
                    super().setup()
                case "AUTH":
                    name, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
                    self.signed_in = (name, password) == (USER, PASSWORD)
                    self.say("235 welcome" if self.signed_in else "535 wrong")
                case "MAIL":
                    self.sender = line.partition("<")[2].partition(">")[0]
                    self.say("250 ok")
                case "RCPT":
                    self.recipient = line.partition("<")[2].partition(">")[0]
                    self.say("250 ok")
                case "DATA":
                    self.say("354 go ahead")
                    return self.take()
                case "QUIT":
                    self.say("221 bye")
                    return "end"
                case _:
                    self.say("250 ok")
            return None

        def take(self) -> str | None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b"."))
            smtp.taken.append(message_from_bytes(b"".join(lines), policy=default))
            smtp.envelopes.append((self.sender, self.recipient))
            if answers := smtp.refuses.get("taken"):
                if (answer := answers.pop(0)) == "hang up":
                    return "end"
                smtp.taken.pop()
                self.say(answer)
            else:
                self.say("250 taken")
            return None

    return Handler
