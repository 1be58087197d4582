"""DefaultTolerationSeconds: pods stay five minutes on a node that is not ready or out of reach."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.types import GroupResource

SECONDS = 300
KEYS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class DefaultTolerationSeconds(PlainPlugin):
    name = "DefaultTolerationSeconds"
    operations = frozenset((Operation.CREATE, Operation.UPDATE))
    resources = frozenset((GroupResource("", "pods"),))

    async def mutate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None
        spec = attributes.obj.setdefault("spec", {})
        tolerations = spec.get("tolerations") or []
        missing = [key for key in KEYS if not any(_covers(t, key) for t in tolerations)]
        if missing:
            added = [
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
                for key in missing
            ]
            spec["tolerations"] = [*tolerations, *added]


def _covers(toleration: dict[str, Any], key: str) -> bool:
    return toleration.get("key") in (key, None, "") and toleration.get("effect") in ("NoExecute", None, "")
