"""Server-side apply: the client declares the fields it cares about; the rest stays everybody else's."""

from __future__ import annotations

from cluster.apiserver.handlers import body
from cluster.apiserver.registry import fields
from cluster.apiserver.registry.create import create
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.update import Change, update
from cluster.apiserver.request import Context
from cluster.kinds.kind import Subresource
from cluster.meta import errors, gojson
from cluster.meta.objects import clone, gvk
from cluster.meta.ownership.operations import identity
from cluster.meta.types import Obj


async def handle(
    ctx: Context, registry: Registry, options: WriteOptions, sub: Subresource | None
) -> tuple[Entry, bool]:
    """The entry and whether it was created. Raises StatusError: 400, 404, 409, 422."""
    patch = declared(ctx.request.body, options)
    return await apply_object(registry, ctx.info.namespace, ctx.info.name, patch, options, sub)


def declared(data: bytes, options: WriteOptions) -> Obj:
    """The configuration in a body (YAML, of which JSON is a part); keys given twice warn or are refused. Raises 400."""
    from cluster.apiserver.codecs import yaml_text

    try:
        loaded = yaml_text.loads(data)
    except yaml_text.YAMLError as error:
        raise errors.bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
    if loaded.value is None:
        return {}
    if not isinstance(loaded.value, dict):
        raise errors.bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{gojson.kind_of(loaded.value)} into Go value of type map[string]interface {{}}"
        )
    if loaded.duplicates and options.validation == "Strict":
        lines = "".join(f"\n  {line}" for line in loaded.duplicates)
        raise errors.bad_request(
            f"error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:{lines}"
        )
    for line in loaded.duplicates if options.validation == "Warn" else ():
        options.warn(line)
    return loaded.value


async def apply_object(
    registry: Registry, namespace: str, name: str, patch: Obj, options: WriteOptions, sub: Subresource | None
) -> tuple[Entry, bool]:
    """Apply `patch` to an object, or create it."""
    kind = registry.kind
    made = False
    sub_name = sub.name if sub is not None else ""
    _check_identity(registry, namespace, name, patch)

    async def transform(current: Obj) -> Obj:
        return _digest(registry, patch, fields.applied(registry, patch, current, options, sub_name).obj, options)

    async def make() -> Entry:
        nonlocal made
        made = True
        if patch.get("metadata", {}).get("uid"):
            raise errors.conflict(
                kind.group_resource,
                name,
                "uid mismatch: the provided object specified uid "
                f"{patch['metadata']['uid']}, and no existing object was found",
            )
        obj = fields.applied(registry, patch, None, options).obj
        return await create(registry, namespace, _digest(registry, patch, obj, options), options)

    change = Change(transform, subresource=sub, tracked=False, create=make if sub is None else None)
    return await update(registry, namespace, name, change, options), made


def _digest(registry: Registry, patch: Obj, merged: Obj, options: WriteOptions) -> Obj:
    """The merged object in its kind's form. What the patch's own schema let through and the kind does not (quantities,
    times, bytes) is the server's fault, as Kubernetes has it. Raises 400, 500."""
    try:
        return body.digest(registry, merged, options)
    except body.Misfit as misfit:
        if misfit.strict:
            raise
        group, version = registry.kind.group, registry.kind.version
        text = f"failed to convert new object ({identity(patch)}) to proper version: unable to convert unstructured "
        text += f"object to {group}/{version}, Kind={registry.kind.kind}: {misfit.converted}"
        raise errors.StatusError(500, "", text) from None


def _check_identity(registry: Registry, namespace: str, name: str, patch: Obj) -> None:
    """Raises 400."""
    given, kind = gvk(patch), registry.kind
    if given != kind.gvk:
        raise errors.bad_request(f"invalid object type: {given.group}/{given.version}, Kind={given.kind}")
    meta = patch.get("metadata")
    if not isinstance(meta, dict) or not meta.get("name"):
        raise errors.bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if meta["name"] != name:
        raise errors.bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
    if kind.namespaced and meta.get("namespace", namespace) != namespace:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _seen_by_scale(error: errors.StatusError, api_version: str) -> errors.StatusError:
    """Conflicts over a Scale name the version of the Scale."""
    causes = (error.details or {}).get("causes") or ()
    for cause in causes if error.code == 409 else ():
        shown = str(cause["message"])
        cause["message"] = shown.replace(f"using {api_version}", "using autoscaling/v1")
        error.message = error.message.replace(shown, cause["message"])
    return error


async def scale(ctx: Context, registry: Registry, options: WriteOptions, sub: Subresource) -> Entry:
    """Apply a Scale: takes ownership of the replicas of the object behind it."""
    from cluster.apiserver.registry.scale import scale_of, with_replicas

    patch = declared(ctx.request.body, options)
    replicas = (patch.get("spec") or {}).get("replicas")

    async def transform(current: Obj) -> Obj:
        wanted = scale_of(registry, current, sub, strict=False)
        wanted["spec"]["replicas"] = replicas or 0
        obj = with_replicas(registry, clone(current), wanted, sub, ctx.info.name)
        config = {
            "apiVersion": registry.kind.api_version,
            "kind": registry.kind.kind,
            "metadata": {"name": ctx.info.name, "namespace": ctx.info.namespace},
            "spec": {"replicas": obj["spec"]["replicas"]},
        }
        try:
            return body.digest(registry, fields.applied(registry, config, current, options, "scale").obj, options)
        except errors.StatusError as error:
            raise _seen_by_scale(error, registry.kind.api_version) from None

    change = Change(transform, subresource=sub, tracked=False)
    return await update(registry, ctx.info.namespace, ctx.info.name, change, options)
