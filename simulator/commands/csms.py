"""``cpfarm csms``."""

from __future__ import annotations

from pathlib import Path

import typer

from simulator.commands.options import option
from simulator.csms.app import run_csms
from simulator.csms.options import CsmsOptions


def csms(
    port: int = option("--port", "Port for stations; 0 picks a free one.", 9000),
    http_port: int = option("--http-port", "Port of the HTTP API; 0 picks a free one.", 9001),
    db: Path | None = option("--db", "SQLite file; in memory without it."),
    boot: str = option("--boot", "Answer to BootNotification: accepted, pending or rejected.", "accepted"),
    heartbeat: int = option("--heartbeat", "Heartbeat interval in seconds.", 300),
    retry_interval: int = option("--retry-interval", "Interval after a pending or rejected boot.", 60),
    strict_tokens: bool = option("--strict-tokens", "Refuse tokens without a known prefix.", False),
    tolerant: bool = option("--tolerant", "Serve stations that break the protocol, as far as possible.", False),
    passwords: Path | None = option("--passwords", "CSV file with id,password; only these may connect."),
    require_auth: bool = option("--require-auth", "Basic authentication; the first password seen counts.", False),
    host: str = option("--host", "Address for stations.", "127.0.0.1"),
    tls_cert: Path | None = option("--tls-cert", "Certificate of the server (PEM); stations connect with wss://."),
    tls_key: Path | None = option("--tls-key", "Its private key."),
    tls_client_ca: Path | None = option("--tls-client-ca", "Roots of the certificates that stations must have."),
    ca_cert: Path | None = option("--ca-cert", "Authority that signs what stations ask for with SignCertificate."),
    ca_key: Path | None = option("--ca-key", "Its private key."),
    price_per_kwh: float | None = option(
        "--price-per-kwh", "Tell 2.x stations tariffs and costs; nothing of prices without it."
    ),
    file_port: int | None = option(
        "--file-port",
        "Port of the file server: http, then https, ftp, ftps, sftp; without it after --http-port, 0: free ones.",
    ),
    files: Path | None = option("--files", "Folder of the file server; a temporary one without it."),
    file_auth: bool = option("--file-auth", "Ask for the login for downloads, too.", False),
    file_password: str | None = option("--file-password", "Password of the user cpfarm; a new one without it."),
) -> None:
    """Run the reference CSMS until interrupted."""
    options = CsmsOptions(
        host=host,
        port=port,
        http_port=http_port,
        db=db,
        boot=boot,  # type: ignore[arg-type]  # checked by CsmsOptions
        heartbeat_s=heartbeat,
        retry_interval_s=retry_interval,
        strict_tokens=strict_tokens,
        tolerant=tolerant,
        passwords=passwords,
        require_auth=require_auth,
        tls_cert=tls_cert,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        ca_cert=ca_cert,
        ca_key=ca_key,
        price_per_kwh=price_per_kwh,
        # next to the others, so that a second reference CSMS on other ports does not meet the first one's
        file_port=file_port if file_port is not None else http_port + 1 if http_port else 0,
        files=files,
        file_auth=file_auth,
        file_password=file_password,
    )
    raise typer.Exit(run_csms(options))
