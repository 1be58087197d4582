"""A repository's index: downloading it, caching it, resolving what it points to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin, urlsplit, urlunsplit

from pyhelm.errors import RepoError
from pyhelm.repo.config import Repository, replace_file
from pyhelm.repo.fetch import TIMEOUT, check_scheme, fetch
from pyhelm.repo.index import Index, Warn, _silent, load_index, load_index_file


def index_path(cache: Path, name: str) -> Path:
    return cache / f"{name}-index.yaml"


def charts_path(cache: Path, name: str) -> Path:
    return cache / f"{name}-charts.txt"


def as_url(location: str) -> str:
    """A folder on this disk as a file:// URL; whatever has a scheme stays as it is."""
    path = Path(location)
    if not urlsplit(location).scheme and path.is_dir():
        return path.resolve().as_uri()
    return location


def fetch_index(repository: Repository, timeout: float = TIMEOUT, warn: Warn = _silent) -> tuple[Index, bytes]:
    """The index as the repository serves it now. Raises RepoError."""
    check_scheme(repository.url)
    data = fetch(index_url(repository.url), repository.access, origin=repository.url, timeout=timeout).data
    return load_index(data, repository.url, warn), data


def index_url(url: str) -> str:
    """Where the index of a repository lies."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/index.yaml"))


def download_index(repository: Repository, cache: Path, timeout: float = TIMEOUT, warn: Warn = _silent) -> Index:
    """Fetch and cache the index. Raises RepoError; a bad index replaces nothing."""
    index, data = fetch_index(repository, timeout, warn)
    replace_file(charts_path(cache, repository.name), "".join(f"{name}\n" for name in index.entries).encode())
    replace_file(index_path(cache, repository.name), data)
    return index


def cached_index(repository: Repository, cache: Path, warn: Warn = _silent) -> Index:
    """The index as it was last fetched. Raises RepoError."""
    return load_index_file(index_path(cache, repository.name), warn)


def forget(cache: Path, name: str) -> None:
    """Remove what is cached of a repository."""
    for path in (index_path(cache, name), charts_path(cache, name)):
        path.unlink(missing_ok=True)


def resolve_reference(base: str, reference: str) -> str:
    """A chart's URL of an index made absolute; the repository's query goes with relative ones."""
    if urlsplit(reference).scheme:
        return reference
    parts = urlsplit(base)
    path = urljoin(parts.path.rstrip("/") + "/", reference)
    if not path:
        raise RepoError(f"invalid chart URL format: {reference}")
    return urlunsplit(parts._replace(path=path))
