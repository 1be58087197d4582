"""One stored object in its three forms, each made when first needed: stored bytes, wire bytes, dict; and as other
versions of its kind show it.

Stored bytes are the JSON object without metadata.resourceVersion (the store knows the revision); they begin with
kind, apiVersion and metadata, in this order. The *tail* is what follows `{"kind":…,"apiVersion":…,` on the wire,
resourceVersion included; a get, a list and a watch frame differ only in what they put before it, so all of them
share its bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.kinds.kind import Kind

_META = b'"metadata":{'


class Entry:
    """`revision` is the store's; 0 for an object that is not stored (a dry run)."""

    __slots__ = ("_obj", "_tail", "_views", "key", "revision", "value")

    def __init__(self, key: str, value: bytes, revision: int, obj: Obj | None = None) -> None:
        self.key = key
        self.value = value
        self.revision = revision
        self._obj = obj
        self._tail: bytes | None = None
        self._views: dict[str, tuple[Kind, Entry]] | None = None

    @property
    def obj(self) -> Obj:
        """The wire dict, resourceVersion included. Shared: never to be changed."""
        if self._obj is None:
            self._obj = with_revision(orjson.loads(self.value), self.revision)
        return self._obj

    @property
    def tail(self) -> bytes:
        if self._tail is None:
            self._tail = tail_of(self.value, self.revision)
        return self._tail

    def keep(self, obj: Obj) -> None:
        """The dict that belongs to the bytes, revision included."""
        self._obj = obj

    def drop_forms(self) -> None:
        """Give back the memory of all but the stored bytes; the rest is made again when somebody asks."""
        self._obj = self._tail = None
        for _, view in self._views.values() if self._views else ():
            if view is not self:
                view.drop_forms()

    def view(self, kind: Kind) -> Entry | None:
        """The entry as a version of its kind shows it, where that has been made."""
        held = self._views.get(kind.version) if self._views else None
        return held[1] if held is not None and held[0] is kind else None

    def show(self, kind: Kind, view: Entry) -> None:
        """Remember how a version shows this entry (itself where nothing differs), until the kind is another value."""
        if self._views is None:
            self._views = {}
        self._views[kind.version] = (kind, view)

    def at(self, revision: int) -> Entry:
        """The same state at another revision: what is told of an object that went, or left a selector."""
        out = Entry(self.key, self.value, revision)
        for kind, view in self._views.values() if self._views else ():
            out.show(kind, out if view is self else view.at(revision))
        return out

    def foreign(self, api_version: str) -> bool:
        """Whether the object is stored in another version."""
        return bool(self.obj["apiVersion"] != api_version)

    def shown_as(self, obj: Obj) -> Entry:
        """A view of this entry: the same state as another dict."""
        return Entry(self.key, encode(obj), self.revision, obj)

    @property
    def namespace_and_name(self) -> tuple[str, str]:
        namespace, _, name = self.key.rpartition("/")
        return namespace, name


def with_revision(obj: Obj, revision: int) -> Obj:
    if revision:
        obj["metadata"]["resourceVersion"] = str(revision)
    return obj


def tail_of(value: bytes, revision: int) -> bytes:
    """The tail of stored bytes at a revision."""
    start = value.index(_META)
    if not revision:
        return value[start:]
    body = start + len(_META)
    comma = b"" if value[body : body + 1] == b"}" else b","
    return b'"metadata":{"resourceVersion":"%d"%b%b' % (revision, comma, value[body:])


def head(api_version: str, kind: str) -> bytes:
    """What goes before the tail of a whole object."""
    return b'{"kind":%b,"apiVersion":%b,' % (orjson.dumps(kind), orjson.dumps(api_version))


def encode(obj: Obj) -> bytes:
    """Stored bytes of a wire dict; metadata.resourceVersion is left out."""
    meta = obj["metadata"]
    if "resourceVersion" in meta:
        meta = {k: v for k, v in meta.items() if k != "resourceVersion"}
    ordered: dict[str, Any] = {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": meta}
    for key, value in obj.items():
        if key not in ordered:
            ordered[key] = value
    # What orjson returns keeps the room it was written in, 4 KiB and more; a copy has its own size.
    return bytes(memoryview(orjson.dumps(ordered)))
