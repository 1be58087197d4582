"""Fetching provenance files and checking packages against them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pyhelm.errors import RepoError
from pyhelm.repo.fetch import fetch
from pyhelm.repo.locate import Resolved


def fetch_provenance(found: Resolved) -> bytes:
    """The .prov beside a package. Raises RepoError."""
    return fetch(f"{found.url}.prov", found.access, origin=found.origin).data


def verify_cached(found: Resolved, package: Path, keyring: str) -> None:
    """Check a cached package under the name its provenance knows it by. Raises RepoError, ChartError."""
    from pyhelm.chart.provenance import verify_chart

    try:
        provenance = fetch_provenance(found)
    except RepoError as error:
        raise RepoError(f'failed to fetch provenance "{found.url}.prov"') from error
    with tempfile.TemporaryDirectory(prefix="pyhelm-") as folder:
        named = Path(folder) / found.file_name
        named.write_bytes(package.read_bytes())
        signature = named.with_name(f"{named.name}.prov")
        signature.write_bytes(provenance)
        verify_chart(str(named), str(signature), keyring)
