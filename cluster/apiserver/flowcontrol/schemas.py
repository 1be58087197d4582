"""Which flow schema a request belongs to: the first, by precedence, that names the user and what is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cluster.apiserver.request import RequestInfo, UserInfo
from cluster.meta.types import Obj

_ACCOUNT = "system:serviceaccount:"
_Fits = Callable[[UserInfo], bool]
_Asks = Callable[[RequestInfo], bool]
_Rules = tuple[tuple[tuple[_Fits, ...], tuple[_Asks, ...], tuple[_Asks, ...]], ...]


class FlowSchema:
    """A FlowSchema made ready for matching."""

    __slots__ = ("_rules", "distinguisher", "level", "name", "precedence", "uid")

    def __init__(self, schema: Obj) -> None:
        meta, spec = schema["metadata"], schema["spec"]
        self.name: str = meta["name"]
        self.uid: str = meta.get("uid") or ""
        self.level: str = spec["priorityLevelConfiguration"]["name"]
        self.precedence: int = spec.get("matchingPrecedence") or 1000
        self.distinguisher: str = (spec.get("distinguisherMethod") or {}).get("type") or ""
        self._rules: _Rules = tuple(_compiled(rule) for rule in spec.get("rules") or ())

    def matches(self, user: UserInfo, info: RequestInfo) -> bool:
        for subjects, resources, others in self._rules:
            if any(fits(user) for fits in subjects):
                asked = resources if info.resource else others
                if any(asks(info) for asks in asked):
                    return True
        return False

    def flow_of(self, user: UserInfo, info: RequestInfo) -> str:
        """What tells this request's flow from others of the schema."""
        if self.distinguisher == "ByUser":
            return user.name
        return info.namespace if self.distinguisher == "ByNamespace" else ""


def in_order(schemas: Iterable[FlowSchema]) -> list[FlowSchema]:
    return sorted(schemas, key=lambda schema: (schema.precedence, schema.name))


def _compiled(rule: Obj) -> tuple[tuple[_Fits, ...], tuple[_Asks, ...], tuple[_Asks, ...]]:
    return (
        tuple(_subject(subject) for subject in rule.get("subjects") or ()),
        tuple(_resource(one) for one in rule.get("resourceRules") or ()),
        tuple(_other(one) for one in rule.get("nonResourceRules") or ()),
    )


def _subject(subject: dict[str, Any]) -> _Fits:
    kind = subject.get("kind")
    if kind == "User" and subject.get("user"):
        name = subject["user"].get("name")
        return lambda user: name in ("*", user.name)
    if kind == "Group" and subject.get("group"):
        group = subject["group"].get("name")
        return lambda user: group == "*" or group in user.groups
    if kind == "ServiceAccount" and subject.get("serviceAccount"):
        held = subject["serviceAccount"]
        namespace, account = held.get("namespace"), held.get("name")
        if account == "*":
            return lambda user: user.name.startswith(f"{_ACCOUNT}{namespace}:")
        return lambda user: user.name == f"{_ACCOUNT}{namespace}:{account}"
    return lambda user: False


def _one_of(values: list[str] | None) -> Callable[[str], bool]:
    known = frozenset(values or ())
    if values == ["*"]:
        return lambda value: True
    return known.__contains__


def _resource(rule: dict[str, Any]) -> _Asks:
    verb, group = _one_of(rule.get("verbs")), _one_of(rule.get("apiGroups"))
    resource, namespace = _one_of(rule.get("resources")), _one_of(rule.get("namespaces"))
    cluster = bool(rule.get("clusterScope"))

    def asks(info: RequestInfo) -> bool:
        wanted = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
        if not (verb(info.verb) and group(info.group) and resource(wanted)):
            return False
        return namespace(info.namespace) if info.namespace else cluster

    return asks


def _other(rule: dict[str, Any]) -> _Asks:
    verb, paths = _one_of(rule.get("verbs")), rule.get("nonResourceURLs") or []
    return lambda info: verb(info.verb) and any(_covers(path, info.path) for path in paths)


def _covers(pattern: str, path: str) -> bool:
    """A pattern covers itself and everything below it, with or without the star."""
    if pattern in ("*", path):
        return True
    prefix = pattern.removesuffix("*")
    return path.startswith(prefix if prefix.endswith("/") else prefix + "/")
