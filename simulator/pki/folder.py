"""A folder of keys and certificates for a test: what ``cpfarm pki`` makes, and what a target file then names.

    ca.pem  ca.key            the authority; only ca.pem when the user's own authority signs
    server.pem  server.key    the CSMS, for the hosts given
    code.pem  code.key        the publisher of firmware
    stations/ID.pem  .key     one pair for each station

Folders are 0700 and keys 0600 from their first byte. What is there is used and never written over, unless told so: a
certificate that somebody has registered in his CSMS must not change because a command was typed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import AuthorError
from simulator.pki.authority import Authority, Issued, Times
from simulator.pki.keystore import private_folder, write_private
from simulator.pki.reading import Rejected, inspect_certificate

STATIONS = "stations"


@dataclass(frozen=True, slots=True)
class Made:
    """One pair of files. ``new`` is False for files that were there and have been left alone."""

    name: str
    certificate: Path
    key: Path | None
    new: bool


def load_authority(certificate: Path, key: Path, password: bytes | None = None) -> Authority:
    """The user's own authority; raises AuthorError naming the file."""
    path = certificate
    try:
        text = certificate.read_text("ascii")
        path = key
        return Authority.load(text, key.read_bytes(), password)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AuthorError(f"cannot be read: {reason}", file=str(path)) from None
    except Rejected as error:
        raise AuthorError(error.detail, file=str(path)) from None


class PkiFolder:
    """The folder. ``force``: write over what is there."""

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self.path, self.force = path, force

    def authority(self, make: Callable[[], Authority] | None) -> tuple[Authority, Made]:
        """The folder's authority, made with ``make`` if there is none (without it: AuthorError)."""
        certificate, key = self.path / "ca.pem", self.path / "ca.key"
        if certificate.exists() and key.exists() and not (self.force and make is not None):
            return load_authority(certificate, key), Made("authority", certificate, key, False)
        if make is None:
            raise AuthorError(
                "holds no authority (ca.pem and ca.key): run `cpfarm pki init` first, or bring one with --ca and "
                "--ca-key",
                file=str(self.path),
            )
        made = make()
        self._refuse_half(certificate, key)
        self._write(certificate, key, made.pem, made.key_pem)
        return made, Made("authority", certificate, key, True)

    def trust(self, pem: str) -> Made:
        """Put the user's authority beside what it signs, without its key; raises AuthorError if another is there."""
        certificate = self.path / "ca.pem"
        if certificate.exists():
            try:
                same = inspect_certificate(certificate.read_text("ascii"))["pem"] == inspect_certificate(pem)["pem"]
            except (OSError, UnicodeDecodeError, Rejected):
                same = False
            if same:
                return Made("authority", certificate, None, False)
            if not self.force:
                raise AuthorError("is another authority's; take another folder, or --force", file=str(certificate))
        self._folder(certificate.parent)
        certificate.write_text(pem, "ascii")
        return Made("authority", certificate, None, True)

    def pair(self, name: str, issue: Callable[[], Issued], file: str | None = None) -> Made:
        """A certificate with its key, issued only when there is none."""
        file = file or name
        certificate, key = self.path / f"{file}.pem", self.path / f"{file}.key"
        if certificate.exists() and key.exists() and not self.force:
            return Made(name, certificate, key, False)
        self._refuse_half(certificate, key)
        issued = issue()
        self._write(certificate, key, issued.chain, issued.key_pem)
        return Made(name, certificate, key, True)

    def stations(
        self, authority: Authority, stations: Iterable[tuple[str, str]], times: Times, organization: str, algorithm: str
    ) -> list[Made]:
        """A pair for each (id, common name); raises AuthorError for an id that cannot be a file's name."""
        wanted = list(stations)
        for station_id, _ in wanted:
            if "/" in station_id or "\\" in station_id:
                raise AuthorError(f"the id {station_id!r} cannot be a file's name")

        def issue(common_name: str) -> Callable[[], Issued]:
            return lambda: authority.station(common_name, **times, organization=organization, algorithm=algorithm)

        return [self.pair(name, issue(common), f"{STATIONS}/{name}") for name, common in wanted]

    def _refuse_half(self, certificate: Path, key: Path) -> None:
        for one, other in ((certificate, key), (key, certificate)):
            if one.exists() and not other.exists() and not self.force:
                raise AuthorError(f"is there, but {other.name} is not; put it back, or --force", file=str(one))

    def _write(self, certificate: Path, key: Path, chain: str, key_pem: bytes) -> None:
        try:
            self._folder(certificate.parent)
            write_private(key, key_pem)
            certificate.write_text(chain, "ascii")
        except OSError as error:
            raise AuthorError(f"cannot be written: {error.strerror or error}", file=str(certificate)) from None

    def _folder(self, folder: Path) -> None:
        try:
            private_folder(folder)
        except OSError as error:
            raise AuthorError(f"cannot be made: {error.strerror or error}", file=str(folder)) from None
