"""From `repo/chart`, a URL or a bare name with --repo to a package on this machine.

The cache is Helm 4's: packages by their digest. A digest an index promises is the name a package is looked up by.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyhelm.errors import RepoError
from pyhelm.repo.config import Repository, read_repositories, replace_file
from pyhelm.repo.fetch import ANONYMOUS, Access, check_scheme, fetch
from pyhelm.repo.index import Index, Warn, _silent
from pyhelm.repo.repository import cached_index, fetch_index, resolve_reference

_ACCEPT = "application/gzip,application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Files and folders of repositories."""

    config: Path
    cache: Path
    content: Path
    registry: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRequest:
    """What of a chart is wanted, and how it may be got. `version` may be a range."""

    version: str = ""
    repo: str = ""
    verify: bool = False
    keyring: str = ""
    access: Access = ANONYMOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Where a package lies; `digest` is what the index says of it."""

    url: str
    digest: str = ""
    access: Access = ANONYMOUS
    origin: str = ""

    @property
    def file_name(self) -> str:
        """Name of the package's file."""
        name = urlsplit(self.url).path.rpartition("/")[2]
        if self.url.startswith("oci://"):
            chart, _, tag = name.rpartition(":")
            return f"{chart}-{tag}.tgz"
        return name


def resolve(reference: str, request: ChartRequest, places: Places, warn: Warn = _silent) -> Resolved:
    """Raises RepoError in Helm's words."""
    if request.repo:
        return _in_url(reference, request, warn)
    if reference.startswith("oci://"):
        from pyhelm.repo.oci import with_tag

        return Resolved(url=with_tag(reference, request.version, request.access), access=request.access)
    parts = urlsplit(reference)
    known = read_repositories(places.config)
    if parts.scheme and parts.netloc and parts.path:
        owner = _owner(reference, known.repositories, places.cache)
        if owner is None:
            return Resolved(url=reference, access=request.access)
        return Resolved(url=reference, access=owner.access, origin=owner.url)
    name, slash, chart = parts.path.partition("/")
    if not slash:
        raise RepoError(f"non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}")
    repository = known.find(name)
    if repository is None:
        raise RepoError(f"repo {name} not found")
    return _in_repository(repository, chart, request, places, warn)


def _in_repository(repository: Repository, chart: str, request: ChartRequest, places: Places, warn: Warn) -> Resolved:
    try:
        index = cached_index(repository, places.cache)
    except RepoError as error:
        raise RepoError(f"no cached repo found. (try 'helm repo update'): {error}") from error
    try:
        entry = index.get(chart, request.version, warn)
    except RepoError as error:
        raise RepoError(
            f'chart "{chart}" matching {request.version} not found in {repository.name} index. '
            f"(try 'helm repo update'): {error}"
        ) from error
    return Resolved(
        url=_first_url(entry, f'chart "{repository.name}/{chart}"', repository.url),
        digest=str(entry.get("digest") or ""),
        access=repository.access,
        origin=repository.url,
    )


def _first_url(entry: dict[str, Any], said: str, base: str) -> str:
    urls = entry.get("urls") or []
    if not urls:
        raise RepoError(f"{said} has no downloadable URLs")
    return resolve_reference(base, str(urls[0]))


def _in_url(chart: str, request: ChartRequest, warn: Warn) -> Resolved:
    from pyhelm.repo.repository import as_url

    url = as_url(request.repo)
    access = request.access
    repository = Repository(
        name="",
        url=url,
        username=access.username,
        password=access.password,
        cert_file=access.cert_file,
        key_file=access.key_file,
        ca_file=access.ca_file,
        insecure=access.insecure,
        pass_credentials=access.pass_credentials,
    )
    try:
        index, _ = fetch_index(repository)
    except RepoError as error:
        if "protocol handler" in str(error):
            raise
        raise RepoError(
            f'looks like "{request.repo}" is not a valid chart repository or cannot be reached: {error}'
        ) from error
    return Resolved(url=_found_in(index, chart, request, url, warn), access=access, origin=url)


def _found_in(index: Index, chart: str, request: ChartRequest, url: str, warn: Warn) -> str:
    said = f'chart "{chart}"' + (f' version "{request.version}"' if request.version else "")
    try:
        entry = index.get(chart, request.version, warn)
    except RepoError as error:
        raise RepoError(f"{said} not found in {request.repo} repository") from error
    return _first_url(entry, said, url)


def _owner(url: str, repositories: list[Repository], cache: Path) -> Repository | None:
    """The repository that lists this URL, whose credentials it needs."""
    for repository in repositories:
        try:
            index = cached_index(repository, cache)
        except RepoError as error:
            raise RepoError(f"no cached repo found. (try 'helm repo update'): {error}") from error
        for entries in index.entries.values():
            if any(url == listed for entry in entries for listed in entry.get("urls") or []):
                return repository
    return None


def decode_digest(text: str) -> bytes:
    """A digest's bytes, with or without `sha256:`. Raises RepoError in the words of Go's hex package."""
    digits = text.rpartition(":")[2]
    for letter in digits:
        if letter not in "0123456789abcdefABCDEF":
            shown = f"U+{ord(letter):04X} '{letter}'"
            raise RepoError(f"encoding/hex: invalid byte: {shown}")
    if len(digits) % 2:
        raise RepoError("encoding/hex: odd length hex string")
    return bytes.fromhex(digits)


def content_path(content: Path, digest: bytes, suffix: str = ".chart") -> Path:
    """Where the cache keeps what has this digest."""
    name = digest.hex()
    return content / name[:2] / f"{name}{suffix}"


def download_to_cache(reference: str, request: ChartRequest, places: Places, log: Any) -> str:
    """Path of the package in the cache, downloaded where it is not there. Raises RepoError."""

    def warn(message: str, attributes: dict[str, Any]) -> None:
        log("WARN", message, attributes)

    found = resolve(reference, request, places, warn)
    check_scheme(found.url)
    digest = _promised(found.digest)
    path = content_path(places.content, digest) if digest else None
    if path is None or not path.exists():
        data = fetch(found.url, found.access, origin=found.origin, accept=_ACCEPT).data
        path = content_path(places.content, digest or hashlib.sha256(data).digest())
        replace_file(path, data)
    if request.verify:
        from pyhelm.repo.verification import verify_cached

        verify_cached(found, path, request.keyring)
    return str(path)


def _promised(digest: str) -> bytes:
    try:
        decoded = decode_digest(digest)
    except RepoError as error:
        raise RepoError(f"unable to decode digest: {error}") from error
    if digest and len(decoded) != 32:
        raise RepoError(f"invalid digest length: {len(decoded)}")
    return decoded
