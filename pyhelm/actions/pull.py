"""Pull: a package from wherever it is into a folder, unpacked when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhelm.errors import RepoError
from pyhelm.repo.config import replace_file
from pyhelm.repo.fetch import check_scheme, fetch
from pyhelm.repo.locate import ChartRequest, Places, Resolved, content_path, decode_digest, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOptions:
    """Options of `pull`; `provenance` fetches the .prov too without checking it."""

    destination: Path = Path()
    untar: bool = False
    untar_dir: str = "."
    provenance: bool = False


def pull(
    reference: str,
    request: ChartRequest,
    options: PullOptions,
    places: Places,
    log: Any,
    out: Callable[[str], None],
) -> Path:
    """Path of the package, or of the folder it was unpacked to. Raises PyhelmError."""

    def warn(message: str, attributes: dict[str, Any]) -> None:
        log("WARN", message, attributes)

    found = resolve(reference, request, places, warn)
    check_scheme(found.url)
    target = options.destination / found.file_name
    if options.untar:
        return _unpacked(reference, found, request, options, places, out)
    replace_file(target, _data(found, places))
    _provenance(reference, found, request, target, options, out)
    return target


def _data(found: Resolved, places: Places) -> bytes:
    digest = decode_digest(found.digest) if found.digest else b""
    if len(digest) == 32:
        cached = content_path(places.content, digest)
        if cached.exists():
            return cached.read_bytes()
    accept = "application/gzip,application/octet-stream"
    return fetch(found.url, found.access, origin=found.origin, accept=accept).data


def _provenance(
    reference: str,
    found: Resolved,
    request: ChartRequest,
    target: Path,
    options: PullOptions,
    out: Callable[[str], None],
) -> None:
    if not (request.verify or options.provenance):
        return
    from pyhelm.repo.verification import fetch_provenance

    try:
        text = fetch_provenance(found)
    except RepoError as error:
        if request.verify:
            raise RepoError(f'failed to fetch provenance "{found.url}.prov"') from error
        out(f"WARNING: Verification not found for {reference}: {error}")
        return
    signature = target.with_name(f"{target.name}.prov")
    replace_file(signature, text)
    if request.verify:
        from pyhelm.chart.provenance import verify_chart

        for line in verify_chart(str(target), str(signature), request.keyring).lines():
            out(line)


def _unpacked(
    reference: str,
    found: Resolved,
    request: ChartRequest,
    options: PullOptions,
    places: Places,
    out: Callable[[str], None],
) -> Path:
    import tempfile

    from pyhelm.actions.unpack import unpack

    with tempfile.TemporaryDirectory(prefix="helm-") as folder:
        package = Path(folder) / found.file_name
        package.write_bytes(_data(found, places))
        _provenance(reference, found, request, package, options, out)
        below = Path(options.untar_dir)
        top = below if below.is_absolute() else options.destination / below
        return unpack(package, top)
