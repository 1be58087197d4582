"""Reading a packaged chart (.tgz) from a stranger: names are checked, sizes bounded, links and devices refused.

Nothing is ever unpacked to disk here; the answer is files in memory, in the order of the archive.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import re
import tarfile
import zlib

from pyhelm.chart.limits import BOM, MAX_FILE, MAX_TOTAL
from pyhelm.chart.model import ChartFile
from pyhelm.errors import ChartError

_DRIVE = re.compile(r"^[a-zA-Z]:/")


def read_archive(data: bytes) -> list[ChartFile]:
    """The files of a .tgz, without their first path component. Raises ChartError saying what is wrong."""
    try:
        with tarfile.open(fileobj=io.BytesIO(_unzip(data)), mode="r:") as tar:
            files = [_file(tar, member) for member in tar if not member.isdir()]
    except tarfile.TarError as error:
        raise ChartError(f"chart archive cannot be read: {error}") from error
    if not files:
        raise ChartError("no files in chart archive")
    return files


def _unzip(data: bytes) -> bytes:
    """Decompress at most MAX_TOTAL bytes (and the tar's own overhead), however much the archive claims."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            unpacked = stream.read(MAX_TOTAL + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ChartError(_gzip_words(data, error)) from error
    if len(unpacked) > MAX_TOTAL:
        raise ChartError(f"decompressed chart is larger than the maximum size {MAX_TOTAL}")
    return unpacked


def _gzip_words(data: bytes, error: Exception) -> str:
    """What Go's gzip reader says of such bytes."""
    if len(data) < 10 or isinstance(error, EOFError):
        return "unexpected EOF"
    return "gzip: invalid header" if not data.startswith(b"\x1f\x8b\x08") else f"gzip: {error}"


def _file(tar: tarfile.TarFile, member: tarfile.TarInfo) -> ChartFile:
    name = _safe_name(member.name)
    if not member.isreg():
        raise ChartError(f"chart archive holds {member.name}, which is no regular file")
    if member.size > MAX_FILE:
        raise ChartError(f"decompressed chart file {member.name} is larger than the maximum file size {MAX_FILE}")
    stream = tar.extractfile(member)
    data = stream.read() if stream else b""
    return ChartFile(name, data.removeprefix(BOM), float(member.mtime))


def _safe_name(raw: str) -> str:
    """Drop the first component; refuse what would leave the chart."""
    parts = raw.split("\\" if "\\" in raw else "/")
    if parts[0] == "Chart.yaml":
        raise ChartError("chart yaml not in base directory")
    name = "/".join(parts[1:])
    if name.startswith("/"):
        raise ChartError("chart illegally contains absolute paths")
    name = posixpath.normpath(name) if name else "."
    if name == ".":
        raise ChartError("chart illegally contains content outside the base directory")
    if name.startswith(".."):
        raise ChartError("chart illegally references parent directory")
    if _DRIVE.match(name):
        raise ChartError("chart contains illegally named files")
    return name


def content_type(head: bytes) -> str:
    """What Go's net/http calls the first bytes of a file, as far as error messages need it."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    return "application/octet-stream"


_MAGIC = (
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"Rar!\x1a\x07", "application/x-rar-compressed"),
)
