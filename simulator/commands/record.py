"""``cpfarm record``: listen to real stations and their CSMS."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import typer

from simulator.commands.options import TLS_CA, TLS_CERT, TLS_KEY, option, target_of, writable
from simulator.errors import AuthorError

LISTEN = "ws://127.0.0.1:9100"
OUT = "recorded.jsonl"
#: what has passed is in the file after so many seconds at the latest
FLUSH_S = 1.0


def record(
    csms: str = option("--csms", "URL of the CSMS; the station's id is appended or replaces {id}.", ...),
    listen: str = option("--listen", "Where stations connect to, ws:// or wss://; port 0 picks a free one.", LISTEN),
    listen_cert: Path | None = option("--listen-cert", "Certificate (PEM) that stations see; for wss://."),
    listen_key: Path | None = option("--listen-key", "Its private key."),
    listen_anywhere: bool = option("--listen-anywhere", "Listen on an address that is not loopback.", False),
    out: Path = option("--out", "Write every frame there (JSON lines).", Path(OUT)),
    tls_ca: Path | None = TLS_CA,
    tls_cert: str | None = TLS_CERT,
    tls_key: str | None = TLS_KEY,
) -> None:
    """Stand between real stations and their CSMS until interrupted, and write down what they say.

    Point the station at the address shown instead of at its CSMS. What passes is not changed; secrets are not written.
    """
    from simulator.fleet.loops import run_loop
    from simulator.fleet.trace import FrameTrace
    from simulator.replay.proxy import Proxy
    from simulator.report.redact import Redactor

    secure, host, port = address_of(listen)
    tls = _server_tls(secure, listen_cert, listen_key)
    writable({"--out": out})
    if out.exists():
        raise AuthorError(f"{out} is there already and is not overwritten", field="--out")
    target = target_of(
        None,
        csms=csms,
        security_profile=None,
        password=None,
        headers=[],
        tls_ca=tls_ca,
        tls_cert=tls_cert,
        tls_key=tls_key,
    )
    assert target is not None
    redactor = Redactor(target.secrets())

    async def main() -> dict[str, int]:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        proxy = Proxy(
            target,
            host=host,
            port=port,
            anywhere=listen_anywhere,
            tls=tls,
            redactor=redactor,
            say=lambda line: typer.echo(redactor.clean_text(line), err=True),
        )
        async with proxy:
            trace = proxy.trace = FrameTrace(out, redactor)
            typer.echo(f"Stations connect to {proxy.url}/ID and reach {target.display_url}; Ctrl-C ends")
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_S):
                        await ended.wait()
                trace.flush()
        trace.close()
        if proxy.failure is not None:
            raise proxy.failure
        return {"frames": proxy.frames, "stations": sum(1 for one in proxy.stations.values() if one.frames)}

    done = run_loop(main())
    plural = "" if done["stations"] == 1 else "s"
    typer.echo(f"{done['frames']} frames of {done['stations']} station{plural} in {out}")


def _server_tls(secure: bool, cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What stations meet; AuthorError for files that cannot be used."""
    if secure is not (cert is not None and key is not None):
        raise AuthorError("wss:// and --listen-cert with --listen-key go together", field="--listen")
    if cert is None or key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise AuthorError(
            f"{cert} with {key} cannot be used: {error.strerror or error}", field="--listen-cert"
        ) from None
    return context


def address_of(listen: str) -> tuple[bool, str, int]:
    """Is it secure, host and port of ``--listen``; AuthorError for anything else than ws://host:port."""
    try:
        parts = urlsplit(listen)
        port = parts.port
    except ValueError as error:
        raise AuthorError(str(error), field="--listen") from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise AuthorError(f"{listen!r} is not ws://host:port or wss://host:port", field="--listen")
    return parts.scheme == "wss", parts.hostname, 9100 if port is None else port
