"""How the texts of flags are read. Each raises ValueError with what is wrong with the text, for people to read.

They must not know which flag is read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def text(given: str) -> str:
    return given


def boolean(given: str) -> bool:
    """Go's strconv.ParseBool."""
    if given in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if given in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f"{given!r} is neither true nor false")


def number(given: str) -> int:
    """Not negative."""
    if not given.isascii() or not given.isdigit():
        raise ValueError(f"{given!r} is not a number")
    return int(given)


def duration(given: str) -> float:
    """Go's notation, as `1m30s`; answers seconds."""
    from cluster.meta.times import parse_duration

    return parse_duration(given) / 1e9


def one_of(*words: str) -> Callable[[str], str]:
    def parse(given: str) -> str:
        if given not in words:
            raise ValueError(f"{given!r} is none of {', '.join(words)}")
        return given

    return parse


def positive_duration(given: str) -> float:
    found = duration(given)
    if found <= 0:
        raise ValueError(f"{given!r} is not longer than nothing")
    return found


def seconds(given: str) -> float:
    """A plain number."""
    return float(number(given))


def names(given: str) -> tuple[str, ...]:
    """A list with commas."""
    return tuple(part.strip() for part in given.split(",") if part.strip())


def claim(given: str) -> tuple[str, str]:
    """`NAME=VALUE`."""
    name, equals, value = given.partition("=")
    if not name or not equals:
        raise ValueError(f"{given!r} is not NAME=VALUE")
    return name, value


def algorithms(given: str) -> tuple[str, ...]:
    """Names of RFC 7518."""
    from cluster.apiserver.authn.jose import ALGORITHMS

    found = names(given)
    for name in found:
        if name not in ALGORITHMS:
            raise ValueError(f"{name!r} is no signing algorithm; there are {', '.join(ALGORITHMS)}")
    return found


def readable_file(given: str) -> Path:
    path = Path(given).expanduser().absolute()
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error


def private_file(given: str) -> Path:
    """A readable file with secrets in it, which nobody but its owner may read."""
    path = readable_file(given)
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} holds keys and is open to others; `chmod 600 {path}` first")
    return path


def writable_file(given: str) -> Path:
    """A file that is there or can be made; its directory must be there."""
    path = Path(given).expanduser().absolute()
    if path.is_dir():
        raise ValueError(f"{path} is a directory")
    if not path.parent.is_dir():
        raise ValueError(f"the directory {path.parent} does not exist; make it first")
    return path


def port_range(given: str) -> tuple[int, int]:
    """`30000-32767`."""
    low, dash, high = given.partition("-")
    if not dash or not low.isdigit() or not high.isdigit() or not 0 < int(low) <= int(high) < 65536:
        raise ValueError(f"{given!r} is not a range of ports such as 30000-32767")
    return int(low), int(high)
