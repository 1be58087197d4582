"""`repo index`: an index over the packages of a folder."""

from __future__ import annotations

from pathlib import Path

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import boolean, text
from pyhelm.errors import RepoError


def run(call: Call) -> None:
    from pyhelm.release.wire import json_text, yaml_text
    from pyhelm.repo.config import replace_file
    from pyhelm.repo.index import Index, index_folder, load_index_file

    folder = Path(call.words[0])
    if not folder.is_dir():
        raise RepoError(f"open {folder}: no such file or directory")
    index = index_folder(folder, call["url"])
    if call["merge"]:
        merged = Path(call["merge"])
        if not merged.exists():
            _write_new(merged, call["json"])
        try:
            old: Index = load_index_file(merged)
        except RepoError as error:
            raise RepoError(f"merge failed: {error}") from error
        index.merge(old)
    index.sort()
    text_of = json_text if call["json"] else yaml_text
    replace_file(folder / "index.yaml", text_of(index.data()).encode())


def _write_new(path: Path, as_json: bool) -> None:
    """A file to merge with that is not there begins as an empty index."""
    from pyhelm.release.wire import json_text, yaml_text
    from pyhelm.repo.config import replace_file
    from pyhelm.repo.index import Index

    replace_file(path, (json_text if as_json else yaml_text)(Index().data()).encode())


COMMAND = Command(
    path="repo index",
    use="[DIR]",
    short="generate an index file given a directory containing packaged charts",
    flags=(
        text("url", "url of chart repository"),
        text("merge", "merge the generated index into the given index"),
        boolean("json", "output in JSON format"),
    ),
    args=exact_args(1),
    run=run,
)
