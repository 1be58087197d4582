"""Whatever bytes come, the archive reader ends soon with files or a ChartError, and no name leads out of the chart."""

from __future__ import annotations

import gzip
import io
import tarfile

from hypothesis import given, settings
from hypothesis import strategies as st

from pyhelm.chart.archive import read_archive
from pyhelm.errors import ChartError

NAMES = st.lists(
    st.sampled_from(["..", ".", "", "chart", "templates", "Chart.yaml", "a\\b", "C:", "é", "x" * 120]),
    min_size=1,
    max_size=4,
).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
ENTRIES = st.lists(st.tuples(NAMES, KINDS, st.binary(max_size=64)), max_size=6)
GOOD = ("chart/Chart.yaml", tarfile.REGTYPE, b"apiVersion: v2\nname: chart\nversion: 1.0.0\n")


def packed(entries: list[tuple[str, bytes, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, kind, data in entries:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data) if kind == tarfile.REGTYPE else 0, "/etc/passwd"
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def check(data: bytes) -> None:
    try:
        files = read_archive(data)
    except ChartError as error:
        assert str(error)
        return
    for file in files:
        assert not file.name.startswith("/")
        assert ".." not in file.name.replace("\\", "/").split("/")


@given(ENTRIES)
@settings(max_examples=200, deadline=None)
def test_entries_of_any_name_and_kind(entries: list[tuple[str, bytes, bytes]]) -> None:
    check(packed([GOOD, *entries]))


@given(st.binary(max_size=400), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_bytes_compressed_or_not(data: bytes, compressed: bool) -> None:
    check(gzip.compress(data) if compressed else data)


@given(st.integers(0, 300), st.integers(0, 255), st.integers(0, 300))
@settings(max_examples=200, deadline=None)
def test_an_archive_with_a_wrong_byte_or_a_missing_end(place: int, byte: int, end: int) -> None:
    data = bytearray(packed([GOOD]))
    data[place % len(data)] = byte
    check(bytes(data))
    check(bytes(data[: end % len(data)]))


@given(st.integers(0, 1500), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_a_tar_header_with_a_wrong_byte(place: int, byte: int) -> None:
    data = bytearray(gzip.decompress(packed([GOOD])))
    data[place % len(data)] = byte
    check(gzip.compress(bytes(data), 1))
