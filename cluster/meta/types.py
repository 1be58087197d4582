"""Names of things: a kind, a resource, an object; and the object itself, which is the wire dict.

Objects stay the dict that JSON gives, so fields this program does not know survive. An object handed out by
the store, a cache or a client is shared: whoever wants to change one copies it first (`objects.clone`).
"""

from __future__ import annotations

from typing import Any, NamedTuple, NewType

Obj = dict[str, Any]
"""One API object, as JSON decodes it."""

UID = NewType("UID", str)


class GroupVersion(NamedTuple):
    """`apps/v1`; the core group is the empty string, written `v1`."""

    group: str
    version: str

    @classmethod
    def parse(cls, api_version: str) -> GroupVersion:
        """Read an apiVersion; raises ValueError when it has more than one slash."""
        group, slash, version = api_version.rpartition("/")
        if slash and (not group or "/" in group):
            raise ValueError(f"unexpected GroupVersion string: {api_version}")
        return cls(group, version)

    def __str__(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


class GroupVersionKind(NamedTuple):
    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return str(GroupVersion(self.group, self.version))


class GroupResource(NamedTuple):
    """A resource whatever its version; prints as errors print it: `deployments.apps`, `pods`."""

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


class GroupVersionResource(NamedTuple):
    group: str
    version: str
    resource: str

    @property
    def api_version(self) -> str:
        return str(GroupVersion(self.group, self.version))

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.resource)


class ObjectKey(NamedTuple):
    """Which object of a resource; the namespace of a cluster-scoped one is the empty string."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name
