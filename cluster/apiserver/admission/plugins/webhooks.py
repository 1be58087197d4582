"""Webhooks: writes are shown to servers outside, which may change them, allow them or refuse them.

Mutating ones are asked one after the other, and once more where a later one changed what they had seen; validating
ones all at once.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from typing import Any

import orjson

from cluster.apiserver.admission.dynamic.matching import GROUP, exempt, rule_matches, selected
from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.types import GroupResource, Obj

Hook = Obj
Asked = tuple[Hook, str, int]
"""A webhook, the configuration it stands in, and its number among those asked."""
_MUTATING = GroupResource(GROUP, "mutatingwebhookconfigurations")
_VALIDATING = GroupResource(GROUP, "validatingwebhookconfigurations")


class _Webhooks(PlainPlugin):
    configurations = _VALIDATING
    kept = "validating.webhook.admission.k8s.io"
    """Under which name the audit log is told."""

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        return not exempt(resource)

    def _concerned(self, a: Attributes) -> list[Asked]:
        """Webhooks that want to see the write, in the order they are asked. Raises StatusError."""
        found = sorted(self.around.objects.all(self.configurations), key=lambda o: str(o["metadata"]["name"]))
        hooks = [(hook, held["metadata"]["name"]) for held in found for hook in held.get("webhooks") or ()]
        return [(hook, name, at) for at, (hook, name) in enumerate(hooks) if self._wants(hook, a)]

    def _wants(self, hook: Hook, a: Attributes) -> bool:
        policy = hook.get("matchPolicy") or "Equivalent"
        if not any(rule_matches(rule, a, policy, self.around.kinds) for rule in hook.get("rules") or ()):
            return False
        return selected(hook, a, self.around.objects) and self._conditions(hook, a)

    def _conditions(self, hook: Hook, a: Attributes) -> bool:
        conditions = hook.get("matchConditions")
        if not conditions:
            return True
        from cluster.apiserver.admission.dynamic.expressions import condition_fails, variables_of
        from cluster.meta.cel import EvalError

        try:
            return not condition_fails(conditions, variables_of(a, self.around))
        except EvalError as error:
            if hook.get("failurePolicy") == "Ignore":
                return False
            raise errors.forbidden(a.resource, a.name, str(error)) from None

    async def _ask(self, asked: Asked, a: Attributes, round: int = 0) -> Obj | None:
        """The webhook's response when it allows; None when its failure is ignored. Raises StatusError."""
        from cluster.apiserver.admission.dynamic.calling import CallFailed

        hook, _, number = asked
        name = hook["name"]
        if a.dry_run and hook.get("sideEffects") not in ("None", "NoneOnDryRun"):
            raise errors.bad_request(f'admission webhook "{name}" does not support dry run')
        review = _review(hook, a)
        timeout = float(hook.get("timeoutSeconds") or 10)
        try:
            answer = await self.around.webhooks().ask(hook["clientConfig"], review, timeout)
            response = _response(answer, review["request"]["uid"])
        except CallFailed as failure:
            if hook.get("failurePolicy") == "Ignore":
                a.annotate(f"failed-open.{self.kept}/round_{round}_index_{number}", name)
                return None
            raise errors.internal(f'failed calling webhook "{name}": {failure}') from None
        for key, value in (response.get("auditAnnotations") or {}).items():
            a.annotate(f"{name}/{key}", str(value))
        for text in response.get("warnings") or ():
            a.warn(str(text))
        if response.get("allowed") is not True:
            raise _denied(name, response.get("status") or {})
        return response


class MutatingAdmissionWebhook(_Webhooks):
    name = "MutatingAdmissionWebhook"
    configurations = _MUTATING
    kept = "mutation.webhook.admission.k8s.io"

    async def mutate(self, attributes: Attributes) -> None:
        seen: list[tuple[Asked, Any]] = []
        for asked in self._concerned(attributes):
            hook = asked[0]
            if await self._change(asked, attributes) is not None and hook.get("reinvocationPolicy") == "IfNeeded":
                seen.append((asked, clone(attributes.obj)))
        for asked, left in seen:
            if attributes.obj != left:
                await self._change(asked, attributes, 1)

    async def _change(self, asked: Asked, a: Attributes, round: int = 0) -> Obj | None:
        hook, configuration, number = asked
        before = a.obj
        try:
            response = await self._ask(asked, a, round)
            if response is None or not response.get("patch") or a.obj is None:
                return response
            operations = _operations(hook, response)
            a.obj = self._patched(a, operations)
        finally:
            said = {"configuration": configuration, "webhook": hook["name"]}
            changed = {**said, "mutated": a.obj is not before and a.obj != before}
            a.annotate(f"{self.kept}/round_{round}_index_{number}", orjson.dumps(changed).decode())
        if a.bodies_audited:
            patch = {**said, "patch": operations, "patchType": "JSONPatch"}
            a.annotate(f"patch.webhook.admission.k8s.io/round_{round}_index_{number}", orjson.dumps(patch).decode())
        return response

    def _patched(self, a: Attributes, operations: Any) -> Obj:
        from cluster.kinds.core.connect_options import read
        from cluster.meta.patch.json_patch import json_patch

        try:
            changed = json_patch(a.obj, operations)
            if a.spoken is not None:
                return read(a.spoken.kind, changed, strict=False)
            found = self.around.schema.decode_kind(a.kind, changed).obj
        except StatusError as error:
            raise errors.internal(error.message) from None
        except ValueError as error:
            raise errors.internal(str(error)) from None
        found["apiVersion"], found["kind"] = a.kind.api_version, a.kind.kind
        a.kind.strategy.default(found)
        return dict(found)


def _operations(hook: Hook, response: Obj) -> Any:
    """The JSON patch of an answer. Raises StatusError."""
    if response.get("patchType") != "JSONPatch":
        kind = orjson.dumps(response.get("patchType") or "").decode()
        raise errors.internal(f'admission webhook "{hook["name"]}" failed: unsupported patch type {kind}')
    try:
        return orjson.loads(base64.b64decode(response["patch"]))
    except ValueError as error:
        raise errors.internal(f"admission webhook {hook['name']!r} sent no JSON patch: {error}") from None


class ValidatingAdmissionWebhook(_Webhooks):
    name = "ValidatingAdmissionWebhook"
    configurations = _VALIDATING

    async def validate(self, attributes: Attributes) -> None:
        hooks = self._concerned(attributes)
        if not hooks:
            return
        asked = ((hook, configuration, at) for at, (hook, configuration, _) in enumerate(hooks))
        found = await asyncio.gather(*(self._ask(one, attributes) for one in asked), return_exceptions=True)
        _raise_first(found)


def _raise_first(found: Iterable[Any]) -> None:
    for one in found:
        if isinstance(one, BaseException):
            raise one


def _review(hook: Hook, a: Attributes) -> Obj:
    from cluster.apiserver.admission.dynamic.expressions import request_of

    versions = hook.get("admissionReviewVersions") or ["v1"]
    version = next((v for v in versions if v in ("v1", "v1beta1")), "v1")
    request = request_of(a)
    options = request.pop("options")
    request |= {"object": a.obj, "oldObject": a.old, "options": options or None}
    return {"kind": "AdmissionReview", "apiVersion": f"admission.k8s.io/{version}", "request": request}


def _response(answer: Any, uid: str) -> Obj:
    """The response within an answered review. Raises CallFailed."""
    from cluster.apiserver.admission.dynamic.calling import CallFailed

    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise CallFailed("webhook response is absent")
    if response.get("uid") != uid and answer.get("apiVersion") == "admission.k8s.io/v1":
        wrong = response.get("uid") or ""
        raise CallFailed(f'expected response.uid="{uid}", got "{wrong}"')
    return response


def _denied(name: str, status: Obj) -> StatusError:
    said = f'admission webhook "{name}" denied the request'
    message, reason = status.get("message") or "", str(status.get("reason") or "")
    text = f"{said}: {message or reason}" if message or reason else f"{said} without explanation"
    code = status.get("code") or 0
    return StatusError(code if 400 <= code < 600 else 400, reason, text, status.get("details") or {})
