"""Users told by a front proxy: headers that are believed of whoever shows a certificate of the front proxy's authority.

The proxy has authenticated the user itself (an API server that hands requests on to another one does). From anybody
else the same headers mean nothing, and nobody behind this point may see them.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from cluster.apiserver.authn.certificates import user_of
from cluster.apiserver.authn.interface import InvalidCredential
from cluster.apiserver.http.messages import Request
from cluster.apiserver.request import UserInfo

_END = "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontProxy:
    """`--requestheader-*`. `client_ca` vouches for proxies; `allowed_names` are their common names, none: any name.
    The first of `username_headers` and `uid_headers` that says something counts; all groups and extras do."""

    client_ca: Path
    allowed_names: tuple[str, ...] = ()
    username_headers: tuple[str, ...] = ("X-Remote-User",)
    uid_headers: tuple[str, ...] = ("X-Remote-Uid",)
    group_headers: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefixes: tuple[str, ...] = ("X-Remote-Extra-",)


_USUAL = FrontProxy(client_ca=Path())


def authorities(bundle: Path) -> frozenset[bytes]:
    """The certificates of a PEM file, DER. Raises OSError, ValueError."""
    blocks = bundle.read_text().split(_END)
    found = frozenset(ssl.PEM_cert_to_DER_cert(block.strip() + "\n" + _END) for block in blocks if block.strip())
    if not found:
        raise ValueError(f"{bundle} holds no certificate")
    return found


class RequestHeaderAuthenticator:
    """Reads the authority's file once. Raises OSError, ValueError."""

    def __init__(self, options: FrontProxy) -> None:
        self._trusted = authorities(options.client_ca)
        self._allowed = frozenset(options.allowed_names)
        self._names, self._uids = _lower(options.username_headers), _lower(options.uid_headers)
        self._groups, self._prefixes = _lower(options.group_headers), _lower(options.extra_prefixes)

    async def authenticate(self, request: Request) -> UserInfo | None:
        if request.certificate is None or self._trusted.isdisjoint(request.chain):
            return None
        proxy = user_of(request.certificate)
        if self._allowed and (proxy is None or proxy.name not in self._allowed):
            raise InvalidCredential("the certificate's common name is none of an allowed front proxy")
        name = self._first(request, self._names)
        if not name:
            return None
        groups = tuple(v for header in self._groups for v in _values(request, header) if v)
        return UserInfo(name, self._first(request, self._uids), groups, self._extra(request))

    @staticmethod
    def _first(request: Request, headers: tuple[str, ...]) -> str:
        return next((values[0] for header in headers if (values := _values(request, header)) and values[0]), "")

    def _extra(self, request: Request) -> tuple[tuple[str, tuple[str, ...]], ...]:
        found: dict[str, list[str]] = {}
        for prefix in self._prefixes:
            for header in request.headers:
                if header.startswith(prefix):
                    found.setdefault(unquote(header[len(prefix) :]), []).extend(_values(request, header))
        return tuple((key, tuple(values)) for key, values in found.items())


def _values(request: Request, header: str) -> list[str]:
    """Names are told in UTF-8."""
    return [value.encode("latin-1").decode("utf-8", "replace") for value in request.values(header)]


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in names)


class IdentityHeaders:
    """What a front proxy says of users, under the usual names and those of `options`: taken off every request."""

    def __init__(self, options: FrontProxy | None) -> None:
        known = (_USUAL, options or _USUAL)
        self._prefixes = tuple({p for each in known for p in _lower(each.extra_prefixes)})
        self._names = tuple({n for e in known for n in _lower((*e.username_headers, *e.uid_headers, *e.group_headers))})

    def clear(self, headers: dict[str, str]) -> None:
        for name in self._names:
            headers.pop(name, None)
        for name in [name for name in headers if name.startswith(self._prefixes)]:
            del headers[name]
