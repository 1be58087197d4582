"""One class for every Kind: cache, keys, selectors, versions. Writes are in `create`, `update` and `delete`.

A kind served in several versions is stored in one of them; the other ones are converted as they pass. Objects of the
storage version pass untouched, which is the road nearly all take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from cluster.apiserver.registry.cache import Match
from cluster.apiserver.registry.converting import read, renewed, show_converted, written
from cluster.apiserver.registry.entry import Entry, head
from cluster.apiserver.registry.services import Hooks, Services
from cluster.kinds.kind import Kind
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.selectors import FieldSelector, LabelSelector
from cluster.meta.types import Obj
from cluster.storage.interface import Key

_NO_HOOKS = Hooks()
_REPAIR_TAKES = 30
"""Seconds until trying again makes sense for who wants a cache of objects that cannot be read."""
_PLAIN_FIELDS = frozenset(("metadata.name", "metadata.namespace"))


class Registry:
    """Reads and writes one served version of one resource."""

    def __init__(self, kind: Kind, services: Services) -> None:
        self.kind = kind
        self.services = services
        self.cache = services.feed.cache(kind.storage_resource)
        self.head = head(kind.api_version, kind.kind)
        self.by_webhook = kind.conversion is not None and kind.conversion.ask is not None
        self.converts = kind.from_storage is not None or kind.conversion is not None
        self.hooks = services.hooks.get(kind.group_resource, _NO_HOOKS)
        self._selectable: frozenset[str] | None = None
        self.told = 0
        """Events sent to watchers, over HTTP."""

    # Names and keys.

    def key(self, namespace: str, name: str) -> str:
        return f"{namespace}/{name}" if self.kind.namespaced else name

    def store_key_of(self, key: str) -> Key:
        return Key(self.cache.prefix + key)

    def etcd_key(self, namespace: str, name: str) -> str:
        """The key as Kubernetes names it in some of its messages."""
        resource = _ETCD_NAMES.get(self.kind.plural, self.kind.plural)
        return f"/registry/{resource}/{self.key(namespace, name)}"

    # Versions.

    def view(self, entry: Entry) -> Entry:
        """An entry in this version: itself where nothing differs, which is so for nearly all. Where a webhook
        converts, `ready` must have come before."""
        if not self.converts:
            return entry
        return entry.view(self.kind) or self._shown(entry)

    def _shown(self, entry: Entry) -> Entry:
        kind, conversion = self.kind, self.kind.conversion
        if conversion is None:
            assert kind.from_storage is not None
            view = entry.shown_as(kind.from_storage(clone(entry.obj)))
        else:
            view = renewed(kind, entry, read(conversion, entry.obj, kind.api_version))
        entry.show(kind, view)
        return view

    async def ready(self, entries: Iterable[Entry], *, anew: bool = False) -> None:
        """Have the views of entries made that only a webhook can make, in one call; `anew` even if they have been.
        Raises StatusError."""
        conversion = self.kind.conversion
        if not self.by_webhook or conversion is None:
            return
        wanted = [e for e in entries if self._missing(e) or (anew and e.foreign(self.kind.api_version))]
        if wanted:
            await show_converted(self.kind, conversion, wanted)

    async def ready_now(self, pick: Callable[[], Iterable[Entry]]) -> None:
        """`ready` for what `pick` gives, again while something new comes in meanwhile. Raises StatusError."""
        while self.by_webhook and any(self._missing(entry) for entry in pick()):
            await self.ready(pick())

    def _missing(self, entry: Entry) -> bool:
        return entry.view(self.kind) is None and entry.foreign(self.kind.api_version)

    def present(self, entry: Entry) -> Obj:
        """The object of an entry in this version. Shared: never to be changed."""
        return self.view(entry).obj

    def tail(self, entry: Entry) -> bytes:
        """Wire bytes of an entry in this version, without kind and apiVersion."""
        return self.view(entry).tail

    async def stored_form(self, obj: Obj) -> Obj:
        """An object of this version as it is written. Raises StatusError."""
        if self.kind.conversion is not None:
            return await written(self.kind.conversion, obj)
        return obj if self.kind.to_storage is None else self.kind.to_storage(clone(obj))

    # Selectors.

    def matcher(self, labels: str, fields: str, namespace: str) -> tuple[Match | None, str]:
        """A test on entries (None: all match) and the one name asked for, if it is only one. Raises 400."""
        name, field_test = self._fields(fields)
        tests: list[Callable[[Obj], bool]] = []
        view = self.view
        if labels:
            tests.append(_labels(labels))
        if field_test is not None:
            tests.append(field_test)
        if not tests:
            return None, name
        if len(tests) == 1:
            only = tests[0]
            return (lambda entry: only(view(entry).obj)) if self.converts else (lambda entry: only(entry.obj)), name
        return (lambda entry: all(test(view(entry).obj) for test in tests)), name

    def _fields(self, text: str) -> tuple[str, Callable[[Obj], bool] | None]:
        if not text:
            return "", None
        try:
            selector = FieldSelector.parse(text)
        except ValueError as error:
            raise errors.bad_request(str(error)) from None
        for field in selector.fields:
            self._check_field(field)
        return selector.exact("metadata.name") or "", lambda obj: selector.matches(self.selectable(obj))

    def selectable(self, obj: Obj) -> dict[str, str]:
        """Field-selector values of an object."""
        meta = obj["metadata"]
        values = {"metadata.name": meta.get("name", ""), "metadata.namespace": meta.get("namespace", "")}
        if self.kind.selectable is not None:
            values.update(self.kind.selectable(obj))
        return values

    def _check_field(self, field: str) -> None:
        if field in self._extra_fields() or field in self._plain_fields():
            return
        raise self._unknown_field(field)

    def _plain_fields(self) -> frozenset[str]:
        """A built-in kind outside of namespaces that names fields of its own does not know the namespace's."""
        kind = self.kind
        if kind.namespaced or kind.selectable is None or kind.schema is not None:
            return _PLAIN_FIELDS
        return _PLAIN_FIELDS - {"metadata.namespace"}

    def _extra_fields(self) -> frozenset[str]:
        if self._selectable is None:
            fields = self.kind.selectable
            # Asked of an empty object: the names are the same for all.
            self._selectable = frozenset(fields({"metadata": {}, "spec": {}, "status": {}}) if fields else ())
        return self._selectable

    def _unknown_field(self, field: str) -> StatusError:
        if self.kind.selectable is None and self.kind.schema is None:
            return errors.bad_request(
                f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            )
        if self.kind.group == "batch":
            return errors.bad_request(f'field label "{field}" not supported for {self.kind.kind}')
        if self.kind.group == "resource.k8s.io":
            named = f"{self.kind.api_version}, Kind={self.kind.kind}"
            return errors.bad_request(f"field label not supported for {named}: {field}")
        return errors.bad_request(f"field label not supported: {field}")

    # Errors in this resource's name.

    def not_found(self, name: str) -> StatusError:
        return errors.not_found(self.kind.group_resource, name)

    def absent(self, namespace: str, name: str) -> StatusError:
        """404 for what is not in the cache; 500 when the store has it and nobody can read it."""
        why = self.cache.unreadable.get(self.key(namespace, name))
        return self.not_found(name) if why is None else errors.internal(why)

    def refuse_unreadable(self, namespace: str = "", *, cached: bool = False) -> None:
        """While objects cannot be read there is no list of all (500), and no cache that could be watched (429)."""
        for key, why in sorted(self.cache.unreadable.items()):
            fault = f'unable to transform key "{self.cache.prefix}{key}": {why}'
            if cached:
                package = self.kind.group.partition(".")[0] or "core"
                text = f"storage is (re)initializing: failed to list *{package}.{self.kind.kind}: {fault}"
                raise errors.too_many_requests(text, _REPAIR_TAKES)
            if not namespace or key.startswith(f"{namespace}/"):
                raise errors.internal(fault)

    def conflict(self, name: str, why: str = errors.MODIFIED) -> StatusError:
        return errors.conflict(self.kind.group_resource, name, why)

    def uid_mismatch(self, namespace: str, name: str, asked: str, found: str, *, dry_run: bool = False) -> StatusError:
        """A dry run does not come as far as the prefix of the store's keys."""
        key = self.etcd_key(namespace, name)
        key = key.removeprefix("/registry") if dry_run else key
        return self.conflict(
            name,
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {found}",
        )


_ETCD_NAMES = {
    "services": "services/specs",
    "endpoints": "services/endpoints",
    "nodes": "minions",
    "replicationcontrollers": "controllers",
    "ingresses": "ingress",
}


@lru_cache(maxsize=512)
def _parsed_labels(text: str) -> LabelSelector:
    return LabelSelector.parse(text)


def _labels(text: str) -> Callable[[Obj], bool]:
    try:
        selector = _parsed_labels(text)
    except ValueError as error:
        raise errors.bad_request(str(error)) from None
    wanted = selector.exact()
    if not wanted or len(wanted) < len(selector.requirements):
        matches = selector.matches
        return lambda obj: matches(obj["metadata"].get("labels") or {})
    # Lists by equal labels are by far the most, and look at every object.
    pairs = wanted.items()

    def test(obj: Obj) -> bool:
        labels = obj["metadata"].get("labels")
        return labels is not None and pairs <= labels.items()

    return test
