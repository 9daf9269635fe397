"""Where a run listens for those who want to see its metrics or lay a hand on its stations."""

from __future__ import annotations

from simulator.errors import AuthorError
from simulator.fleet import limits
from simulator.fleet.control import routes
from simulator.fleet.farm import Farm
from simulator.httpd import HttpServer, is_loopback
from simulator.report.exposition import MetricsText


def check(host: str, port: int | None, token: str | None, *, asked_for: bool) -> None:
    """Before anything is started: raises AuthorError when the port cannot be had or would be open to everybody."""
    if port is None:
        return
    if not token and not is_loopback(host):
        raise AuthorError(f"{host} is not loopback, so a token is needed", field="--http-token")
    if port and asked_for:
        limits.check_http_port(port)


async def serve(
    farm: Farm, page: MetricsText, host: str, port: int, token: str | None, *, asked_for: bool
) -> HttpServer | str:
    """The control port of a farm, listening; or why there is none. AuthorError when somebody asked for that port."""
    farm.redactor.learn(token or "")
    server = HttpServer(routes(farm, page), host, port, token=token or None)
    try:
        await server.start()
    except OSError as error:
        reason = f"port {port} cannot be used ({limits.why(error)})"
        if asked_for:
            raise AuthorError(f"{reason}; 0 picks a free one, off does without", field="--http-port") from None
        return f"No metrics and no control: {reason}; --http-port 0 picks a free one."
    return server
