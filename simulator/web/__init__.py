"""The page of a run: one HTML file, nothing from outside, served at ``/`` of the control port.

The page shows nothing by itself: everything it shows it asks of the control port, with the token where one is needed,
so it may be served to anybody. Its policy allows exactly the style and the script that stand in the file.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

_FILE = Path(__file__).with_name("page.html")
_PAGE = _FILE.read_bytes()


def page() -> bytes:
    """The page, UTF-8."""
    return _PAGE


def _policy(text: bytes) -> str:
    """A content security policy by the hashes of what stands between the tags."""

    def hashes(tag: bytes) -> str:
        found = re.findall(rb"<%s>(.*?)</%s>" % (tag, tag), text, re.DOTALL)
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one).digest()).decode()}'" for one in found)

    return (
        f"default-src 'none'; script-src {hashes(b'script')}; style-src {hashes(b'style')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


PAGE_HEADERS = {
    "Content-Security-Policy": _policy(_PAGE),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
