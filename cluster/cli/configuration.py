"""Configuration files in YAML: read once, with the file and the place in every complaint.

It knows nothing of what the files mean; who asks for one checks its fields.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cluster.cli.places import Refused

T = TypeVar("T")


def read_yaml(path: Path) -> dict[str, Any]:
    """One document, a mapping with string keys. Raises Refused with file and line."""
    import yaml

    try:
        found = yaml.load(path.read_text(), _loader())
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: byte {error.start} is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise Refused(f"{place}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise Refused(f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise Refused(f"{path}: expected a mapping with apiVersion and kind")
    return found


def read_as(path: Path, meaning: Callable[[dict[str, Any]], T]) -> T:
    """What the document of a file means to `meaning`, whose ValueErrors (a line a fault) get the file's name.
    Raises Refused."""
    try:
        return meaning(read_yaml(path))
    except ValueError as error:
        faults = str(error).splitlines()
        raise Refused("; ".join(f"{path}: {fault}" for fault in faults)) from error


def _loader() -> Any:
    """Dates stay texts, and a key that is given twice is a mistake, not a choice."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                name = self.construct_object(key, deep=True)
                if name in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{name!r} is given twice", key.start_mark)
                seen.add(name)
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader
