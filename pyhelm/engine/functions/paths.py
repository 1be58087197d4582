"""Paths with forward slashes, by Go's rules (`path` and, on this system, `path/filepath`)."""

from __future__ import annotations

__all__ = ["base", "clean", "dir_", "ext", "is_abs"]


def clean(path: str) -> str:
    """The shortest equal path; `.` for the empty one."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts and parts[-1] != "..":
                parts.pop()
            elif not rooted:
                parts.append(part)
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


def base(path: str) -> str:
    """The last part; `.` for the empty path, `/` for slashes alone."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def dir_(path: str) -> str:
    """All but the last part, cleaned."""
    return clean(path[: path.rfind("/") + 1])


def ext(path: str) -> str:
    """From the last dot of the last part on."""
    name = path.rpartition("/")[2]
    dot = name.rfind(".")
    return name[dot:] if dot >= 0 else ""


def is_abs(path: str) -> bool:
    """Whether it begins with a slash."""
    return path.startswith("/")
