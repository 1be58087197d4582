"""Splitting rendered files into documents, telling hooks from the rest, and putting both in order.

Pure: text in, documents out. White space is that of Helm 4.1: every document is trimmed on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pyhelm.errors import ManifestError
from pyhelm.formats.yaml_memory import YamlMemory
from pyhelm.manifest.head import recalled_head
from pyhelm.manifest.hooks import HOOK, Hook, hook_from
from pyhelm.manifest.order import by_install_order
from pyhelm.records import dataclass, field

_BLANKS = "\t\n\f\r "
"""Go's \\s, which knows neither \\v nor Unicode blanks; TrimSpace below does, as in Helm."""
_GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a rendered file. `path` is the template's full name, `text` the trimmed document."""

    path: str
    text: str
    kind: str = ""
    name: str = ""
    api_version: str = ""


@dataclass(slots=True)
class Arranged:
    """What came out of all files of a chart, in install order; `unknown_hooks` are the annotations refused."""

    documents: list[Document] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    unknown_hooks: list[str] = field(default_factory=list)


def split(text: str) -> list[str]:
    """The non-empty documents of `text`, each trimmed."""
    return [piece.strip(_GO_SPACE) for piece in _pieces(text.strip(_GO_SPACE)) if piece]


def _pieces(text: str) -> Iterator[str]:
    """What Helm's `(?:^|\\s*\\n)---\\s*` leaves, found without a pattern, which would try every run of blanks."""
    start = _after_blanks(text, 3) if text.startswith("---") else 0
    while (end := text.find("\n---", start)) >= 0:
        yield text[start:end].rstrip(_BLANKS)
        start = _after_blanks(text, end + 4)
    yield text[start:]


def _after_blanks(text: str, place: int) -> int:
    while text[place : place + 1] in _BLANKS and place < len(text):
        place += 1
    return place


def arrange(files: Mapping[str, str], memory: YamlMemory | None = None) -> Arranged:
    """All rendered files -> documents and hooks. Partials (`_name`) and blank files are left out.

    `memory` spares reading what was read before. Raises ManifestError naming the file whose YAML cannot be read.
    """
    found = Arranged()
    for path in sorted(files, key=str.encode):
        if path.rpartition("/")[2].startswith("_") or not files[path].strip(_GO_SPACE):
            continue
        for text in split(files[path]):
            _sort_in(path, text, found, memory)
    found.documents = by_install_order(found.documents, lambda d: d.kind)
    found.hooks = by_install_order(found.hooks, lambda h: h.kind)
    return found


def _sort_in(path: str, text: str, found: Arranged, memory: YamlMemory | None) -> None:
    try:
        head = recalled_head(text, memory)
    except ManifestError as error:
        raise ManifestError(f"YAML parse error on {path}: {error}") from error
    if HOOK not in head.annotations:
        found.documents.append(Document(path, text, head.kind, head.name, head.api_version))
        return
    hook = hook_from(path, text, head.name, head.kind, head.annotations)
    if hook is None:
        found.unknown_hooks.append(head.annotations[HOOK])
    else:
        found.hooks.append(hook)


def manifest_text(documents: Iterable[Document]) -> str:
    """The manifest of a release: every document below the name of its template."""
    return "".join(sourced(d.path, d.text) for d in documents)


def sourced(path: str, text: str) -> str:
    """One document as it stands in a manifest."""
    return f"---\n# Source: {path}\n{text}\n"


def raw_files(files: Mapping[str, str]) -> str:
    """Rendered files as they are, for looking at what cannot be parsed."""
    return "".join(sourced(path, files[path]) for path in sorted(files) if files[path].strip(_GO_SPACE))


_SOURCE = re.compile(r"# Source: [^/]+/(.+)")


def source_of(document: str) -> str:
    """Path within the root chart of a document taken from a manifest, "" without a source line."""
    found = _SOURCE.search(document)
    return found.group(1) if found else ""
