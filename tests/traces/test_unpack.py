"""Files as people have them: packed, in another encoding, with the colours of a terminal."""

import gzip
import zipfile
from io import BytesIO

import pytest

from simulator.errors import AuthorError
from simulator.traces.unpack import text_in

TEXT = '10:00:00 [2,"1","Heartbeat",{}] \u00e9\n'


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        gzip.compress(TEXT.encode()),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        gzip.compress(TEXT.encode("utf-16-le")),
    ],
    ids=["utf-8", "gzip", "utf-16", "little-endian", "big-endian", "both"],
)
def test_it_is_text_however_it_is_kept(data: bytes) -> None:
    assert text_in(data, 10_000) == TEXT


def test_colours_of_a_terminal_are_no_part_of_a_log() -> None:
    coloured = '\x1b[32mINFO\x1b[0m \x1b]0;title\x07[2,\x1b[34;1m"1"\x1b[0m,\x1b[38;5;12m"Heartbeat"\x1b[m,{}]\x1b[K'
    assert text_in(coloured.encode(), 10_000) == 'INFO [2,"1","Heartbeat",{}]'


def test_a_packed_file_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    whole = b"".join(f'[2,"{n}","Heartbeat",{{}}]\n'.encode() for n in range(5000))
    found = text_in(gzip.compress(whole)[:-500], 1_000_000)
    assert found.startswith('[2,"0","Heartbeat",{}]\n') and len(found) > len(whole) // 4
    assert text_in(gzip.compress(b"one\n") + gzip.compress(b"two\n"), 100) == "one\ntwo\n"  # as log rotation appends
    with pytest.raises(AuthorError, match="packed with gzip, and damaged"):
        text_in(b"\x1f\x8b" + b"\x00" * 30, 100)


def test_what_is_too_large_when_unpacked_is_refused() -> None:
    with pytest.raises(AuthorError, match="larger than 1000 bytes when unpacked"):
        text_in(gzip.compress(b"x" * 1001), 1000)


def test_other_archives_are_named() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.log", TEXT)
    for data, name in (
        (packed.getvalue(), "zip"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
    ):
        with pytest.raises(AuthorError, match=f"packed with {name}; unpack it first"):
            text_in(data, 10_000)


def test_bytes_that_are_no_text_stay_visible() -> None:
    assert text_in(b'[2,"1","Authorize",{"idTag":"\xff"}]', 100) == '[2,"1","Authorize",{"idTag":"\\xff"}]'
    assert text_in(b"", 100) == ""
    assert text_in(b"a\x00b\n" * 3, 100) == "a\x00b\n" * 3  # some zeros do not make it UTF-16
