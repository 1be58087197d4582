"""Questions asked as objects: access reviews, rules reviews, token and self reviews. Nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.apiserver.authz.interface import Attributes, Decision
from cluster.apiserver.handlers import body, render
from cluster.apiserver.handlers.accept import uncolumned
from cluster.apiserver.handlers.resources import write_options_of
from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry import fields
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context, UserInfo
from cluster.meta import errors
from cluster.meta.errors import Cause
from cluster.meta.times import seconds
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

AUTHZ, AUTHN = "authorization.k8s.io", "authentication.k8s.io"


def mount(server: ApiServer) -> None:
    reviews = Reviews(server)
    table = server.router.virtual
    table[AUTHZ, "selfsubjectaccessreviews"] = reviews.self_access
    table[AUTHZ, "subjectaccessreviews"] = reviews.access
    table[AUTHZ, "localsubjectaccessreviews"] = reviews.local_access
    table[AUTHZ, "selfsubjectrulesreviews"] = reviews.rules
    table[AUTHN, "selfsubjectreviews"] = reviews.self
    table[AUTHN, "tokenreviews"] = reviews.token


class Reviews:
    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def self_access(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry)
        spec = obj.get("spec") or {}
        self._check(_resource_faults(spec))
        return self._access(ctx, obj, ctx.user, spec)

    async def access(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry)
        spec = obj.get("spec") or {}
        self._check(_resource_faults(spec) + _subject_faults(spec))
        return self._access(ctx, obj, _subject(spec), spec)

    async def local_access(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry)
        spec = obj.get("spec") or {}
        faults = _resource_faults(spec) + _subject_faults(spec)
        asked = (spec.get("resourceAttributes") or {}).get("namespace") or ""
        if not faults and asked != ctx.info.namespace:
            text = f'Invalid value: "{asked}": must match metadata.namespace'
            faults.append(Cause("FieldValueInvalid", text, "spec.resourceAttributes.namespace"))
        self._check(faults)
        obj["metadata"]["namespace"] = ctx.info.namespace
        return self._access(ctx, obj, _subject(spec), spec)

    async def rules(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry, tracked=False)
        namespace = (obj.get("spec") or {}).get("namespace") or ""
        if not namespace:
            raise errors.bad_request("no namespace on request")
        rules, problem = self._server.rbac.rules_for(ctx.user, namespace)
        if "system:masters" in ctx.user.groups:
            everything = [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ]
            rules = everything + rules
        status: Obj = {
            "resourceRules": [_resource_rule(r) for r in rules if r.get("resources")],
            "nonResourceRules": [
                {"verbs": r["verbs"], "nonResourceURLs": r["nonResourceURLs"]}
                for r in rules
                if r.get("nonResourceURLs")
            ],
            "incomplete": False,
        }
        if problem:
            status |= {"incomplete": True, "evaluationError": problem}
        obj["spec"], obj["status"] = {}, status
        return self._answer(ctx, obj)

    async def self(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry, tracked=False)
        obj["metadata"] = {"creationTimestamp": seconds(self._server.clock.now())}
        obj["status"] = {"userInfo": ctx.user.as_dict()}
        return self._answer(ctx, obj)

    async def token(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry)
        spec = obj.get("spec") or {}
        if not spec.get("token"):
            self._check([Cause("FieldValueRequired", "Required value", "spec.token")], "TokenReview", AUTHN)
        obj["status"] = await self._reviewed(str(spec["token"]), tuple(spec.get("audiences") or ()))
        return self._answer(ctx, obj)

    async def _reviewed(self, token: str, audiences: tuple[str, ...]) -> Obj:
        from cluster.apiserver.filters.authentication import known

        for source in self._server.token_sources():
            user = await source.authenticate_token(token, audiences)
            if user is not None:
                status: Obj = {"authenticated": True, "user": known(user).as_dict()}
                if audiences:
                    status["audiences"] = list(audiences)
                return status
        return {"user": {}, "error": "invalid bearer token"}

    # Parts.

    def _incoming(self, ctx: Context, registry: Registry, *, tracked: bool = True) -> Obj:
        options = write_options_of(ctx, "CreateOptions")
        obj = body.incoming(ctx, registry, options)
        if tracked:
            fields.track(registry, obj, None, options)
        return obj

    def _access(self, ctx: Context, obj: Obj, user: UserInfo, spec: Obj) -> Response:
        decision, reason = self._server.authorizer.authorize(_attributes(user, spec))
        status: Obj = {"allowed": decision is Decision.ALLOW}
        if decision is Decision.DENY:
            status["denied"] = True
        if reason:
            status["reason"] = reason
        obj["status"] = status
        return self._answer(ctx, obj)

    @staticmethod
    def _answer(ctx: Context, obj: Obj) -> Response:
        return render.created(ctx, obj, uncolumned(ctx))

    @staticmethod
    def _check(faults: list[Cause], kind: str = "", group: str = AUTHZ) -> None:
        if faults:
            raise errors.invalid((group, kind), "", faults)


def _resource_rule(rule: Obj) -> Obj:
    out = {"verbs": rule["verbs"], "apiGroups": rule.get("apiGroups") or [], "resources": rule["resources"]}
    if rule.get("resourceNames"):
        out["resourceNames"] = rule["resourceNames"]
    return out


def _resource_faults(spec: Obj) -> list[Cause]:
    resource, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and other is not None:
        from cluster.meta.field import show

        shown = show({"Path": other.get("path", ""), "Verb": other.get("verb", "")})
        text = f"Invalid value: {shown}: cannot be specified in combination with resourceAttributes"
        return [Cause("FieldValueInvalid", text, "spec.nonResourceAttributes")]
    if resource is None and other is None:
        text = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [Cause("FieldValueInvalid", text, "spec.resourceAttributes")]
    return []


def _subject_faults(spec: Obj) -> list[Cause]:
    if spec.get("user") or spec.get("groups"):
        return []
    text = 'Invalid value: "": at least one of user or group must be specified'
    return [Cause("FieldValueInvalid", text, "spec.user")]


def _subject(spec: Obj) -> UserInfo:
    extra = tuple((k, tuple(v)) for k, v in (spec.get("extra") or {}).items())
    return UserInfo(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def _attributes(user: UserInfo, spec: Obj) -> Attributes:
    other: dict[str, Any] | None = spec.get("nonResourceAttributes")
    if other is not None:
        return Attributes(user, other.get("verb") or "", path=other.get("path") or "")
    asked = spec["resourceAttributes"]
    return Attributes(
        user,
        asked.get("verb") or "",
        asked.get("group") or "",
        asked.get("version") or "",
        asked.get("resource") or "",
        asked.get("subresource") or "",
        asked.get("name") or "",
        asked.get("namespace") or "",
    )
