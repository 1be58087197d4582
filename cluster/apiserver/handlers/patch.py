"""PATCH: four languages, one road. A patch makes a wanted object of the current one; the update loop does the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from cluster.apiserver.handlers import body, render
from cluster.apiserver.handlers.accept import wanted_by
from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.options import WriteOptions, raise_faults
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.update import Change, update
from cluster.apiserver.request import Context
from cluster.kinds.kind import Subresource
from cluster.meta import errors, gojson
from cluster.meta import field as faults
from cluster.meta.objects import meta
from cluster.meta.types import Obj

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY)

Patcher = Callable[[Obj], Obj]
Sent = tuple[str, Any]
"""The language of a patch and its decoded body."""


async def handle(ctx: Context, registry: Registry, sub: Subresource | None) -> Response:
    """Raises StatusError: 400, 404, 409, 415, 422."""
    content_type = body.media_type(ctx)
    wanted = wanted_by(ctx, registry)
    options = patch_options(ctx, content_type)
    if content_type == APPLY:
        from cluster.apiserver.handlers import apply

        entry, made = await apply.handle(ctx, registry, options, sub)
        return render.one(ctx, registry, entry, wanted, 201 if made else 200)
    patcher = patcher_for(registry, content_type, ctx.request.body)
    shown = (content_type, _loads(ctx.request.body))
    blamed = strict_faults(content_type, ctx.request.body) if options.validation != "Ignore" else []
    entry = await apply_patch(
        registry, ctx.info.namespace, ctx.info.name, patcher, options, sub, patch=shown, blamed=blamed
    )
    return render.one(ctx, registry, entry, wanted)


def patch_options(ctx: Context, content_type: str) -> WriteOptions:
    from cluster.apiserver.handlers.resources import write_options_of

    options = write_options_of(ctx, "PatchOptions")
    options.force = ctx.query.flag("force")
    options.apply = content_type == APPLY
    found = []
    if options.apply and not ctx.query.get("fieldManager"):
        found.append(faults.required("fieldManager", "is required for apply patch"))
    if ctx.audit and content_type in _TYPES:
        ctx.audit.patched(ctx.request.body)
    if not options.apply and ctx.query.has("force"):
        found.append(faults.forbidden("force", "may not be specified for non-apply patch"))
    raise_faults("PatchOptions", found)
    return options


def patcher_for(registry: Registry, content_type: str, data: bytes) -> Patcher:
    """Raises 400 for a body that is no patch, 415 for an unknown language."""
    if content_type == JSON_PATCH:
        from cluster.meta.patch.json_patch import json_patch

        operations = _loads(data)
        return lambda obj: json_patch(obj, operations)
    if content_type == MERGE_PATCH:
        from cluster.meta.patch.merge_patch import decode_merge, merge_patch

        merge = decode_merge(data)
        return lambda obj: merge_patch(obj, merge)
    if content_type == STRATEGIC and registry.kind.definition:
        return _strategic(registry, data)
    raise unsupported(registry, content_type)


def unsupported(registry: Registry, content_type: str) -> errors.StatusError:
    if content_type not in _TYPES:
        return errors.StatusError(415, errors.Reason.UNSUPPORTED_MEDIA_TYPE, "415: Unsupported Media Type", {})
    offered = _TYPES if registry.kind.definition else tuple(t for t in _TYPES if t != STRATEGIC)
    return errors.unsupported_media_type(
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(offered)}"
    )


def _strategic(registry: Registry, data: bytes) -> Patcher:
    from cluster.meta.patch.merge_patch import decode_merge
    from cluster.meta.patch.strategic import strategic_merge_patch

    patch, structure = decode_merge(data, True), registry.services.schema.kind_structure(registry.kind)
    return lambda obj: strategic_merge_patch(obj, patch, structure)


_OPERATION = frozenset(("op", "from", "path", "value"))


def strict_faults(content_type: str, data: bytes) -> list[str]:
    """What is strictly wrong with the text of a patch: doubled keys, unknown members of operations."""
    patch = _loads(data)
    unknown = []
    if content_type == JSON_PATCH and isinstance(patch, list):
        unknown = [
            f"[{index}].{key}"
            for index, operation in enumerate(patch)
            if isinstance(operation, dict)
            for key in operation
            if key not in _OPERATION
        ]
    if not unknown and not gojson.duplicate_fields(data, patch):
        return []
    prefix = "json patch " if content_type == JSON_PATCH else ""
    return [prefix + fault for fault in gojson.strict_faults(data, unknown)]


def _digest(registry: Registry, current: Obj, new: Obj, options: WriteOptions, patch: Sent, blamed: list[str]) -> Obj:
    """The result of a patch as an object. What does not fit is blamed on the patch: a JSON or merge patch is shown
    by its result, a strategic one by what is left of it, as Go prints a map."""
    content_type, value = patch
    try:
        _check_same_kind(registry, new, content_type)
        return body.digest(registry, new, options, blamed)
    except body.Misfit as misfit:
        if content_type == STRATEGIC:
            from cluster.meta.patch.strategic import left_of

            rest = left_of(current, value, registry.services.schema.kind_structure(registry.kind))
            found = faults.invalid("patch", gojson.sprint(rest), misfit.converted)
        else:
            from cluster.meta.patch.shown import patched_text

            if registry.kind.definition:
                text = patched_text(registry.services.schema.go_order(registry.kind, new), value)
            else:
                text = gojson.escape_html(orjson.dumps(new, option=orjson.OPT_SORT_KEYS)).decode()
            found = faults.invalid("patch", text, misfit.why)
        raise errors.invalid(("", ""), "", [found.cause()]) from None


def _check_same_kind(registry: Registry, new: Obj, content_type: str) -> None:
    """A patch that makes a built-in object call itself something else does not fit. Raises Misfit."""
    kind = registry.kind
    if not kind.definition or content_type == STRATEGIC:
        return
    if new.get("apiVersion") == kind.api_version and new.get("kind") == kind.kind:
        return
    from cluster.apiserver.codecs.body import Target, foreign

    try:
        why = foreign(new, Target.of(kind), registry.services.schema)
    except ValueError as error:
        why = str(error)
    if why:
        raise body.Misfit(kind, why)


def _loads(data: bytes) -> Any:
    try:
        return gojson.loads(data)
    except gojson.JSONError as error:
        raise errors.bad_request(f"error decoding patch: {error}") from None


def check_type(registry: Registry, new: Obj) -> None:
    """A custom resource says itself what it is, and is checked for it as for one of its fields. Raises 422."""
    kind = registry.kind
    given, version = str(new.get("kind") or ""), str(new.get("apiVersion") or "")
    found = []
    if given != kind.kind:
        found.append(faults.invalid("kind", given, f"must be {kind.kind}"))
    if version != kind.api_version:
        found.append(faults.invalid("apiVersion", version, f"must be {kind.api_version}"))
    if found:
        group = version.rpartition("/")[0]
        raise errors.invalid((group, given), meta(new).get("name") or "", [f.cause() for f in found])


async def apply_patch(
    registry: Registry,
    namespace: str,
    name: str,
    patcher: Patcher,
    options: WriteOptions,
    sub: Subresource | None,
    *,
    patch: Sent = (MERGE_PATCH, None),
    blamed: Sequence[str] = (),
) -> Entry:
    """The update loop with a patch as its change."""

    async def transform(current: Obj) -> Obj:
        version = current["metadata"].get("resourceVersion")
        new = patcher(current)
        if registry.kind.schema is not None and sub is None:
            check_type(registry, new)
        given = meta(new).get("resourceVersion")
        new = _digest(registry, current, new, options, patch, list(blamed))
        if given != version and not given:
            new["metadata"].pop("resourceVersion", None)
        return new

    return await update(registry, namespace, name, Change(transform, subresource=sub), options)
