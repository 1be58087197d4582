"""The OpenAPI definitions of Kubernetes releases, read lazily from the `kubernetes-validate` package's data files.

The package's code is not imported: only its JSON is read, once per process and release.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pyhelm.errors import ManifestError

Definition = dict[str, Any]
OPEN = "x-kubernetes-preserve-unknown-fields"
"""The keyword of schemas whose objects may have further fields."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


class Definitions:
    """All definitions of one Kubernetes release."""

    def __init__(self, version: str, definitions: dict[str, Definition]) -> None:
        self.version = version
        self._definitions = definitions
        self._by_kind: dict[tuple[str, str], Definition] = {}
        for definition in definitions.values():
            for kind in definition.get("x-kubernetes-group-version-kind") or []:
                group, number = kind.get("group"), kind.get("version")
                self._by_kind[(f"{group}/{number}" if group else str(number), str(kind.get("kind")))] = definition

    def with_custom(self, definitions: Iterable[dict[str, Any]]) -> Definitions:
        """These, and the kinds that CustomResourceDefinitions (v1 or v1beta1 objects) define."""
        from pyhelm.manifest.custom import kinds_of

        other = Definitions(self.version, self._definitions)
        other._by_kind.update({key: schema for crd in definitions for key, schema in kinds_of(crd)})
        return other

    def kind(self, api_version: str, kind: str) -> Definition | None:
        """The definition of a kind, None where this release has none."""
        return self._by_kind.get((api_version, kind))

    def versions_of(self, kind: str) -> list[str]:
        """The apiVersions in which this release has a kind of that name."""
        return sorted(version for version, name in self._by_kind if name == kind)

    def kinds_of(self, api_version: str) -> list[str]:
        """The kinds this release has in an apiVersion."""
        return sorted(name for version, name in self._by_kind if version == api_version)

    def groups(self) -> set[str]:
        """The API groups of this release, "" for core."""
        return {version.rpartition("/")[0] for version, _ in self._by_kind}

    def resolve(self, definition: Definition) -> Definition:
        """What `$ref` points to; the definition itself where there is none."""
        reference = definition.get("$ref")
        if not reference:
            return definition
        return self._definitions.get(str(reference).rpartition("/")[2], {})


def definitions_for(kube_version: str) -> Definitions:
    """Definitions of that Kubernetes minor; of the nearest one carried where there is none."""
    found = _VERSION.match(kube_version)
    wanted = (int(found.group(1)), int(found.group(2))) if found else (1, 35)
    carried = _carried()
    below = [minor for minor in carried if minor <= wanted]
    return _read(carried[max(below) if below else min(carried)])


@lru_cache(maxsize=1)
def _carried() -> dict[tuple[int, int], Path]:
    spec = find_spec("kubernetes_validate")
    places = list(spec.submodule_search_locations or []) if spec else []
    root = Path(places[0]) / "kubernetes-json-schema" if places else Path()
    found: dict[tuple[int, int], Path] = {}
    for path in root.glob("v*-local/_definitions.json") if places else []:
        number = _VERSION.match(path.parent.name)
        if number:
            found[(int(number.group(1)), int(number.group(2)))] = path
    if not found:
        raise ManifestError("the Kubernetes schemas are missing: install the kubernetes-validate package")
    return found


@lru_cache(maxsize=2)
def _read(path: Path) -> Definitions:
    document = json.loads(path.read_bytes())
    return Definitions(path.parent.name.removesuffix("-local"), document["$defs"])
