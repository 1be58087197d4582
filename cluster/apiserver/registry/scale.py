"""The Scale of a scalable object: a view of three numbers and a selector."""

from __future__ import annotations

from typing import Any

import orjson

from cluster.apiserver.registry import metadata
from cluster.apiserver.registry.registry import Registry
from cluster.kinds.kind import ScalePaths, Subresource
from cluster.meta import errors
from cluster.meta.errors import Cause
from cluster.meta.field import invalid
from cluster.meta.gojson import kind_of
from cluster.meta.selectors import LabelSelector
from cluster.meta.types import Obj

_COPIED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(registry: Registry, obj: Obj, sub: Subresource, *, strict: bool = True) -> Obj:
    """autoscaling/v1 Scale of an object; `strict` raises 500 where a custom resource has no replicas."""
    paths = sub.scale or ScalePaths()
    meta = {k: obj["metadata"][k] for k in _COPIED if k in obj["metadata"]}
    replicas = _at(obj, paths.spec_replicas)
    if strict and replicas is None and sub.scale is not None and not registry.kind.definition:
        raise errors.internal(f'the spec replicas field ".{paths.spec_replicas}" does not exist')
    status: Obj = {"replicas": _at(obj, paths.status_replicas) or 0}
    selector = _selector(_at(obj, paths.selector) if paths.selector else None)
    if selector:
        status["selector"] = selector
    spec: Obj = {"replicas": replicas} if replicas else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}


def identify(registry: Registry, scale: Obj, namespace: str, name: str) -> None:
    """A Scale that is put names the object of the URL. Raises 400."""
    meta = scale.setdefault("metadata", {})
    metadata.place_in_namespace(scale, registry.kind, namespace)
    given = meta.get("name") or ""
    if not given:
        raise errors.bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if given != name:
        raise errors.bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")


def with_replicas(registry: Registry, obj: Obj, scale: Obj, sub: Subresource, name: str) -> Obj:
    """The object with the Scale's replicas. Raises 400, 409, 422."""
    paths = sub.scale or ScalePaths()
    _check_types(scale)
    meta = scale.get("metadata") or {}
    if meta.get("name", name) != name:
        raise errors.bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
    uid, there = meta.get("uid") or "", obj["metadata"].get("uid") or ""
    if uid and uid != there:
        raise registry.uid_mismatch(meta.get("namespace") or "", name, uid, there, dry_run=False)
    if meta.get("resourceVersion") and meta["resourceVersion"] != obj["metadata"]["resourceVersion"]:
        raise registry.conflict(name)
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0 and registry.kind.definition:
        # A custom resource is checked as a whole, wherever its numbers are.
        cause = Cause(
            "FieldValueInvalid",
            f"Invalid value: {replicas}: must be greater than or equal to 0",
            "spec.replicas",
        )
        raise errors.invalid(("autoscaling", "Scale"), name, [cause])
    _put(obj, paths.spec_replicas, replicas)
    return obj


def _check_types(scale: Obj) -> None:
    """The result of a patch is a Scale. Raises 422."""
    spec = scale.get("spec")
    replicas = spec.get("replicas") if isinstance(spec, dict) else spec
    if replicas is None or (isinstance(replicas, int) and not isinstance(replicas, bool)):
        return
    where, wanted = ("ScaleSpec.spec.replicas", "int32") if isinstance(spec, dict) else ("Scale.spec", "v1.ScaleSpec")
    why = f"json: cannot unmarshal {kind_of(replicas)} into Go struct field {where} of type {wanted}"
    raise errors.invalid(("", ""), "", [invalid("patch", orjson.dumps(scale).decode(), why).cause()])


def _selector(found: Any) -> str:
    if isinstance(found, str):
        return found
    if not isinstance(found, dict):
        return ""
    if "matchLabels" in found or "matchExpressions" in found:
        return str(LabelSelector.from_dict(found))
    return str(LabelSelector.from_labels(found))


def _at(obj: Any, path: str) -> Any:
    for step in path.lstrip(".").split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def _put(obj: Obj, path: str, value: Any) -> None:
    *way, last = path.lstrip(".").split(".")
    for step in way:
        obj = obj.setdefault(step, {})
    obj[last] = value
