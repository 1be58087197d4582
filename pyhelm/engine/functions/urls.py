"""URLs taken apart and put together by the rules of Go's net/url."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.formats.gotypes import kind_of
from pyhelm.formats.quoting import quote

__all__ = ["join", "parse"]


class URLError(ValueError):
    """Why a URL cannot be parsed, without the URL."""


@dataclass(slots=True)
class URL:
    """The parts, decoded; `raw_path` and `raw_fragment` when their encoding was not the usual one."""

    scheme: str = ""
    opaque: str = ""
    user: tuple[str, str | None] | None = None
    host: str = ""
    path: str = ""
    raw_path: str = ""
    query: str = ""
    force_query: bool = False
    fragment: str = ""
    raw_fragment: str = ""


_HEX = frozenset("0123456789abcdefABCDEF")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_SAFE = {
    "path": frozenset("$&+,/:;=@"),
    "user": frozenset("$&+,;="),
    "host": frozenset("!$&'()*+,;=:[]<>\""),
    "fragment": frozenset("$&+,/:;=?@!()*"),
}


def _escape(text: str, mode: str) -> str:
    safe = _UNRESERVED | _SAFE[mode]
    data = text.encode("utf-8", "surrogateescape")
    return "".join([chr(byte) if chr(byte) in safe else f"%{byte:02X}" for byte in data])


def _unescape(text: str, mode: str) -> str:
    data = bytearray()
    raw = text.encode("utf-8", "surrogateescape")
    at = 0
    while at < len(raw):
        char = chr(raw[at])
        if char == "%":
            digits = raw[at + 1 : at + 3].decode("latin-1")
            if len(digits) < 2 or not set(digits) <= _HEX:
                shown = raw[at : at + 3].decode("utf-8", "surrogateescape")
                raise URLError(f"invalid URL escape {quote(shown)}")
            if mode == "host" and digits != "25" and int(digits, 16) < 0x80:
                raise URLError(f"invalid URL escape {quote('%' + digits)}")
            data.append(int(digits, 16))
            at += 3
            continue
        if mode == "host" and raw[at] < 0x80 and char not in _UNRESERVED | _SAFE["host"]:
            raise URLError(f"invalid character {quote(char)} in host name")
        data.append(raw[at])
        at += 1
    return data.decode("utf-8", "surrogateescape")


def _scheme(text: str) -> tuple[str, str]:
    for at, char in enumerate(text):
        if char.isascii() and char.isalpha():
            continue
        if char in "0123456789+-.":
            if at == 0:
                return "", text
        elif char == ":":
            if at == 0:
                raise URLError("missing protocol scheme")
            return text[:at], text[at + 1 :]
        else:
            return "", text
    return "", text


def _parse(text: str) -> URL:
    body, _, fragment = text.partition("#")
    url = _parse_body(body)
    if fragment:
        url.fragment = _unescape(fragment, "fragment")
        url.raw_fragment = fragment if _escape(url.fragment, "fragment") != fragment else ""
    return url


def _parse_body(text: str) -> URL:
    if any(char < " " or char == "\x7f" for char in text):
        raise URLError("net/url: invalid control character in URL")
    url = URL()
    if text == "*":
        url.path = "*"
        return url
    scheme, rest = _scheme(text)
    url.scheme = scheme.lower()
    if rest.endswith("?") and rest.count("?") == 1:
        url.force_query = True
        rest = rest[:-1]
    else:
        rest, _, url.query = rest.partition("?")
    if not rest.startswith("/"):
        if url.scheme:
            url.opaque = rest
            return url
        if ":" in rest.partition("/")[0]:
            raise URLError("first path segment in URL cannot contain colon")
    if (url.scheme or not rest.startswith("///")) and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        _parse_authority(authority, url)
    url.path = _unescape(rest, "path")
    url.raw_path = rest if _escape(url.path, "path") != rest else ""
    return url


_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*\Z")


def _parse_authority(authority: str, url: URL) -> None:
    userinfo, at, host = authority.rpartition("@")
    url.host = _parse_host(host)
    if not at:
        return
    if not _USER.match(userinfo):
        raise URLError("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(":")
    url.user = (_unescape(name, "user"), _unescape(password, "user") if colon else None)


def _parse_host(host: str) -> str:
    if host.startswith("["):
        end = host.rfind("]")
        if end < 0:
            raise URLError("missing ']' in host")
        port = host[end + 1 :]
        _check_port(port, host)
        zone = host.find("%25", 0, end)
        if zone >= 0:
            return _unescape(host[:zone], "host") + _unescape(host[zone:end], "path") + _unescape(host[end:], "host")
    elif ":" in host:
        _check_port(host[host.rfind(":") :], host)
    return _unescape(host, "host")


def _check_port(port: str, host: str) -> None:
    if port and not (port[0] == ":" and all(char in "0123456789" for char in port[1:])):
        raise URLError(f"invalid port {quote(port)} after host")


def _hostname(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, port = host.rpartition(":")
    return name if colon and all(char in "0123456789" for char in port) else host


def _userinfo(user: tuple[str, str | None] | None) -> str:
    if user is None:
        return ""
    name = _escape(user[0], "user")
    return name if user[1] is None else f"{name}:{_escape(user[1], 'user')}"


def _escaped_path(url: URL) -> str:
    if url.raw_path:
        return url.raw_path
    return "*" if url.path == "*" else _escape(url.path, "path")


def _string(url: URL) -> str:
    out = [f"{url.scheme}:"] if url.scheme else []
    if url.opaque:
        out.append(url.opaque)
    else:
        if url.scheme or url.host or url.user is not None:
            if url.host or url.path or url.user is not None:
                out.append("//" if url.host or url.user is not None or not _omits_host(url) else "")
            if url.user is not None:
                out.append(_userinfo(url.user) + "@")
            out.append(_escape(url.host, "host"))
        path = _escaped_path(url)
        if path and path[0] != "/" and url.host:
            out.append("/")
        if not "".join(out) and ":" in path.partition("/")[0]:
            out.append("./")
        out.append(path)
    if url.force_query or url.query:
        out.append("?" + url.query)
    if url.fragment:
        out.append("#" + (url.raw_fragment or _escape(url.fragment, "fragment")))
    return "".join(out)


def _omits_host(url: URL) -> bool:
    """`file:///x` keeps its slashes; a scheme with a path alone that does not begin with one does not."""
    return not url.path.startswith("/")


def parse(text: str) -> dict[str, Any]:
    """The parts of a URL as a map."""
    try:
        url = _parse(text)
    except URLError as error:
        shown = text.partition("#")[0]
        raise GoCallError(f"unable to parse url: parse {quote(shown)}: {error}") from None
    return {
        "scheme": url.scheme,
        "host": url.host,
        "hostname": _hostname(url.host),
        "path": url.path,
        "query": url.query,
        "opaque": url.opaque,
        "fragment": url.fragment,
        "userinfo": _userinfo(url.user),
    }


def _part(parts: dict[str, Any], key: str) -> str:
    value = parts.get(key, "")
    if value is None:
        raise GoCallError("runtime error: invalid memory address or nil pointer dereference")
    if not isinstance(value, str):
        raise GoCallError(f"unable to parse {key} key, must be of type string, but {kind_of(value)} found")
    return value


def join(parts: dict[str, Any]) -> str:
    """The URL made of such a map."""
    url = URL(
        scheme=_part(parts, "scheme"),
        host=_part(parts, "host"),
        path=_part(parts, "path"),
        query=_part(parts, "query"),
        opaque=_part(parts, "opaque"),
        fragment=_part(parts, "fragment"),
    )
    userinfo = _part(parts, "userinfo")
    if userinfo:
        try:
            url.user = _parse(f"proto://{userinfo}@host").user
        except URLError as error:
            shown = quote(f"proto://{userinfo}@host")
            raise GoCallError(f"unable to parse userinfo in dict: parse {shown}: {error}") from None
    return _string(url)
