"""Certificates for tests, made by the `openssl` command: an authority, a server, a client, and strangers to them."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pki:
    """A folder with ``ca``, ``server`` (localhost and 127.0.0.1), ``client`` and ``stranger`` (another authority)."""

    folder: Path

    def cert(self, name: str) -> str:
        return str(self.folder / f"{name}.pem")

    def key(self, name: str) -> str:
        return str(self.folder / f"{name}.key")

    def server(self, name: str = "server", *, client_ca: str | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert(name), self.key(name))
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.cert(client_ca))
        return context

    def client(self, name: str | None = None, *, ca: str = "ca") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.cert(ca))
        if name is not None:
            context.load_cert_chain(self.cert(name), self.key(name))
        return context


def available() -> bool:
    """Whether certificates can be made here."""
    return shutil.which("openssl") is not None


def make(folder: Path) -> Pki:
    """Make everything in ``folder``: EC P-256, a day of validity, well under a second."""

    def run(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for authority in ("ca", "stranger"):
        name = (
            "-subj",
            f"/CN=test {authority}",
            "-days",
            "1",
            "-keyout",
            f"{authority}.key",
            "-out",
            f"{authority}.pem",
        )
        run("req", "-x509", *curve, *name)
    for leaf in ("server", "client"):
        (folder / f"{leaf}.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run("req", *curve, "-subj", f"/CN={leaf}", "-keyout", f"{leaf}.key", "-out", f"{leaf}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", f"{leaf}.ext")
        run("x509", "-req", "-in", f"{leaf}.csr", *signed, "-out", f"{leaf}.pem")
    return Pki(folder)
