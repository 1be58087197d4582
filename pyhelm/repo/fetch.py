"""Getting bytes: from http(s) with credentials and TLS wishes, from file:// and from the disk.

requests is imported only when something is really downloaded. Credentials go only where they were meant for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pyhelm.errors import RepoError

TIMEOUT = 120.0
MAX_BYTES = 256 * 1024 * 1024
"""What one download may have at most: no chart or index comes near it."""
_USER_AGENT = "Helm/4.1.4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Credentials and TLS wishes for a repository."""

    username: str = ""
    password: str = ""
    cert_file: str = ""
    key_file: str = ""
    ca_file: str = ""
    insecure: bool = False
    plain_http: bool = False
    pass_credentials: bool = False


ANONYMOUS = Access()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was got, and from where."""

    url: str
    data: bytes


def fetch(
    url: str,
    access: Access = ANONYMOUS,
    *,
    origin: str = "",
    timeout: float = TIMEOUT,
    accept: str = "",
    limit: int = MAX_BYTES,
) -> Fetched:
    """The bytes at a URL, at most `limit`. `origin` is the repository's URL: credentials are sent to its host alone.

    Raises RepoError in Helm's words.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return Fetched(url, _from_disk(url))
    if scheme in ("http", "https"):
        return Fetched(url, _from_web(url, access, origin, timeout, accept, limit))
    if scheme == "oci":
        from pyhelm.repo.oci import pull

        return Fetched(url, pull(url, access).chart)
    raise RepoError(f"could not find protocol handler for: {scheme}")


def check_scheme(url: str) -> None:
    """Raise RepoError for a URL nothing here can get."""
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https", "file", "oci"):
        raise RepoError(f"could not find protocol handler for: {scheme}")


def _from_disk(url: str) -> bytes:
    path = Path(unquote(urlsplit(url).path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise RepoError(f"open {path}: {(error.strerror or str(error)).lower()}") from error


def _from_web(url: str, access: Access, origin: str, timeout: float, accept: str, limit: int) -> bytes:
    import requests

    options: dict[str, Any] = {"headers": {"User-Agent": _USER_AGENT}, "timeout": timeout, "stream": True}
    if accept:
        options["headers"]["Accept"] = accept
    if access.username and _same_host(url, origin or url, access):
        options["auth"] = (access.username, access.password)
    if access.cert_file and access.key_file:
        options["cert"] = (access.cert_file, access.key_file)
    options["verify"] = False if access.insecure else access.ca_file or True
    try:
        with requests.Session() as session, session.get(url, **options) as answer:
            status, reason = answer.status_code, answer.reason
            data = _bounded(answer, url, limit) if status == 200 else b""
    except requests.RequestException as error:
        raise RepoError(f'Get "{url}": {_cause(error)}') from error
    if status != 200:
        raise RepoError(f"failed to fetch {url} : {status} {reason}")
    return data


def _bounded(answer: Any, url: str, limit: int) -> bytes:
    """The body; what is larger than allowed is left before it fills the memory."""
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(1 << 16):
        size += len(part)
        if size > limit:
            raise RepoError(f"{url} is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _same_host(url: str, origin: str, access: Access) -> bool:
    here, there = urlsplit(url), urlsplit(origin)
    return access.pass_credentials or (here.scheme, here.netloc) == (there.scheme, there.netloc)


def _cause(error: BaseException) -> str:
    """The innermost reason, as Go's dialer says it."""
    import errno
    import socket

    inner: BaseException | None = error
    host = ""
    request = getattr(error, "request", None)
    if request is not None and request.url:
        parts = urlsplit(request.url)
        host = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    seen: set[int] = set()
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        if isinstance(inner, socket.gaierror):
            return f"dial tcp: lookup {host.rpartition(':')[0]}: no such host"
        if isinstance(inner, OSError) and inner.errno == errno.ECONNREFUSED:
            return f"dial tcp {host}: connect: connection refused"
        reason = getattr(inner, "reason", None)
        follow = inner.__cause__ or inner.__context__
        if isinstance(reason, BaseException):
            follow = reason
        elif not follow and inner.args and isinstance(inner.args[0], BaseException):
            follow = inner.args[0]
        inner = follow
    return str(error)
