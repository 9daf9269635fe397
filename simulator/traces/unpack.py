"""From the bytes of a file to the text of a log: what was done to it on its way here is undone.

Log rotation packs, Windows tools write UTF-16 (with and without a mark), terminals add colours. None of that was on the
wire. Bytes that are no text are kept visible (``\\xff``), because they may have been.
"""

from __future__ import annotations

import re
import zlib

from simulator.errors import AuthorError

_GZIP = b"\x1f\x8b"
#: other archives by how they begin
_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf": "7z",
}
#: colours and other orders to a terminal (ECMA-48 CSI), and titles of its window (OSC)
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\))")
_SAMPLE = 4_000


def text_in(data: bytes, most: int) -> str:
    """The text of a file's bytes. Raises AuthorError for archives of other kinds, and for what is longer than ``most``
    bytes when unpacked; of one that breaks off, what is there is read."""
    for begin, name in _ARCHIVES.items():
        if data.startswith(begin):
            raise AuthorError(f"is packed with {name}; unpack it first")
    if data.startswith(_GZIP):
        data = _unzipped(data, most)
    text = data.decode(_encoding(data), "replace" if _encoding(data) != "utf-8" else "backslashreplace")
    return _TERMINAL.sub("", text.removeprefix("\ufeff"))


def _unzipped(data: bytes, most: int) -> bytes:
    parts, size = [], 0
    while data.startswith(_GZIP):  # members may follow each other
        stream = zlib.decompressobj(wbits=31)
        try:
            parts.append(stream.decompress(data, most - size + 1))
        except zlib.error:
            if not any(parts):
                raise AuthorError("is packed with gzip, and damaged") from None
            break
        size += len(parts[-1])
        if size > most:
            limit = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most} bytes"
            raise AuthorError(f"is larger than {limit} when unpacked; cut the part that matters out of it")
        data = stream.unused_data
    return b"".join(parts)


def _encoding(data: bytes) -> str:
    """UTF-16 by its mark, or by the zeros that plain text has in it; else UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = data[:_SAMPLE]
    zeros = [sample[place::2].count(0) for place in (0, 1)]
    half = len(sample) // 2
    if half > 8 and max(zeros) > half * 0.8 and min(zeros) < half * 0.1:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return "utf-8"
