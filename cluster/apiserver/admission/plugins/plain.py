"""What a plugin inherits that only mutates, or only validates: the half it does not have."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation, Surroundings
from cluster.meta.types import GroupResource


class PlainPlugin:
    """`operations` and `resources` say what it handles; subresources only those in `subresources`."""

    name = ""
    operations: frozenset[Operation] = frozenset()
    resources: frozenset[GroupResource] = frozenset()
    subresources: frozenset[str] = frozenset(("",))

    def __init__(self, around: Surroundings) -> None:
        self.around = around

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        return operation in self.operations and resource in self.resources and subresource in self.subresources

    async def mutate(self, attributes: Attributes) -> None:
        return None

    async def validate(self, attributes: Attributes) -> None:
        return None
