"""`search repo`: words in the cached indexes of the repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.command import Call, Command, any_args
from pyhelm.cli.flags import Flag, boolean, number, text
from pyhelm.cli.output import OUTPUT, write
from pyhelm.errors import RepoError

if TYPE_CHECKING:
    from pyhelm.repo.index import Index
    from pyhelm.repo.search import Result

_FLAGS: tuple[Flag, ...] = (
    boolean("regexp", "use regular expressions for searching repositories you have added", "r"),
    boolean("versions", "show the long listing, with each version of each chart on its own line", "l"),
    boolean("devel", "use development versions (alpha, beta, and release candidate releases), too"),
    text("version", "search using semantic versioning constraints on repositories you have added"),
    number("max-col-width", "maximum column width for output table", 50),
    boolean("fail-on-no-result", "search fails if no results are found"),
    OUTPUT,
)


def run(call: Call) -> None:
    from pyhelm.release.wire import Struct
    from pyhelm.repo.search import constrained, search

    version = call["version"] or (">0.0.0-0" if call["devel"] else ">0.0.0")
    indexes = _indexes(call)
    found = search(indexes, " ".join(call.words), regexp=call["regexp"], every_version=True)
    found = constrained(found, version, every_version=call["versions"])
    if not found and call["fail-on-no-result"]:
        raise RepoError("no results found")
    write(call, [Struct(_fields(result)) for result in found], lambda: _table(found, call["max-col-width"]))


def _fields(result: Result) -> dict[str, str]:
    entry = result.entry
    return {
        "name": result.name,
        "version": str(entry.get("version") or ""),
        "app_version": str(entry.get("appVersion") or ""),
        "description": str(entry.get("description") or ""),
    }


def _table(results: list[Result], width: int) -> str:
    from pyhelm.cli.tables import table

    if not results:
        return "No results found\n"
    heads = ("NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION")
    return table([heads, *(_fields(result).values() for result in results)], width) + "\n"  # type: ignore[list-item]


def _indexes(call: Call) -> list[tuple[str, Index]]:
    from pyhelm.cli.logging import logger
    from pyhelm.repo.config import read_repositories
    from pyhelm.repo.repository import cached_index

    known = read_repositories(call.settings.repository_config).repositories
    if not known:
        raise RepoError("no repositories configured")
    found = []
    for repository in known:
        try:
            found.append((repository.name, cached_index(repository, call.settings.repository_cache)))
        except RepoError as error:
            words = 'repo is corrupt or missing. Try "helm repo update"'
            logger(call)("WARN", words, {"repo": repository.name, "error": str(error)})
    return found


COMMAND = Command(
    path="search repo",
    use="[keyword]",
    short="search repositories for a keyword in charts",
    flags=_FLAGS,
    args=any_args,
    run=run,
)
