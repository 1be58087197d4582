"""From the claims of a verified token to a user: claims by name, or expressions over `claims`; then rules over `user`.

Pure; knows neither keys nor issuers. Order and wording follow the OIDC authenticator of k8s.io/apiserver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.apiserver.authn.interface import InvalidCredential
from cluster.apiserver.request import UserInfo
from cluster.kinds.cel_schema import escape
from cluster.meta.cel import BOOL, DYN, STRING, CompileError, EvalError, Program, Type, compile
from cluster.meta.cel.types import list_of, map_of, object_of
from cluster.meta.types import Obj

_CREDENTIAL = "authentication.kubernetes.io/credential-id"
_JSON_TYPES = {bool: "bool", str: "string", int: "number", float: "number", list: "array", dict: "object"}
_USER = object_of(
    "kubernetes.UserInfo",
    {"username": STRING, "uid": STRING, "groups": list_of(STRING), "extra": map_of(list_of(STRING))},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value comes from: a claim (with a prefix), or an expression. Neither: from nowhere."""

    claim: str = ""
    prefix: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Either `claim` must be `value`, or `expression` must be true, else `message` is told."""

    claim: str = ""
    value: str = ""
    expression: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMapping:
    """How users are made of claims."""

    username: Source
    groups: Source = Source()
    uid: Source = Source()
    extra: Sequence[tuple[str, str]] = ()
    """Keys, and the expressions of their values."""
    claim_rules: Sequence[Rule] = ()
    user_rules: Sequence[Rule] = ()


def over_claims(text: str, *, condition: bool = False) -> Program:
    """An expression over `claims`. Raises ValueError."""
    return _compiled(text, {"claims": map_of(DYN)}, condition)


def over_user(text: str) -> Program:
    """A condition on `user`. Raises ValueError."""
    return _compiled(text, {"user": _USER}, True)


def _compiled(text: str, variables: Mapping[str, Type], condition: bool) -> Program:
    try:
        program = compile(text.strip(), variables)
    except CompileError as error:
        raise ValueError(f"compilation failed: {error}") from None
    if condition and program.type != BOOL:
        raise ValueError(f"must evaluate to bool but got {program.type}")
    return program


class Claims(dict[str, Any]):
    """Claims as expressions see them: a name that is no identifier is also found by its escaped form."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        super().__init__({name: _seen(value) for name, value in claims.items()})
        self._escaped = {escape(name): name for name in claims}

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._escaped

    def __missing__(self, name: str) -> Any:
        return self[self._escaped[name]]


def _seen(value: Any) -> Any:
    if isinstance(value, dict):
        return Claims(value)
    return [_seen(item) for item in value] if isinstance(value, list) else value


class ClaimMapper:
    """Raises ValueError for an expression that is none."""

    def __init__(self, mapping: ClaimMapping) -> None:
        self._mapping = mapping
        sources = (mapping.username, mapping.groups, mapping.uid)
        self._programs = {s.expression: over_claims(s.expression) for s in sources if s.expression}
        self._programs |= {text: over_claims(text) for _, text in mapping.extra}
        self._claim_rules = [
            (rule, over_claims(rule.expression, condition=True)) for rule in _expressions(mapping.claim_rules)
        ]
        self._user_rules = [(rule, over_user(rule.expression)) for rule in mapping.user_rules]

    def user(self, claims: Obj) -> UserInfo:
        """Raises InvalidCredential."""
        seen = {"claims": Claims(claims)}
        name, groups = self._username(claims, seen), self._groups(claims, seen)
        user = UserInfo(name, self._uid(claims, seen), groups, self._extra(claims, seen))
        self._check(claims, seen)
        about = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
        extra = {key: list(values) for key, values in user.extra}
        _hold(self._user_rules, {"user": {**about, "extra": extra}}, "user info validation rule")
        return user

    def _run(self, text: str, seen: Mapping[str, Any], what: str) -> Any:
        try:
            return self._programs[text].run(seen)
        except EvalError as error:
            place = "" if what == "extra" else f"oidc: error evaluating {what} claim expression: "
            raise InvalidCredential(f"{place}{_failed(text, error)}") from None

    def _username(self, claims: Obj, seen: Mapping[str, Any]) -> str:
        source = self._mapping.username
        if source.expression:
            name = self._run(source.expression, seen, "username")
            if not isinstance(name, str):
                why = "username claim expression must return a string"
                raise InvalidCredential(f"oidc: error evaluating username claim expression: {why}")
            if not name:
                raise InvalidCredential("oidc: empty username via CEL expression is not allowed")
            return name
        name = _text(claims, source.claim, f'username claims "{source.claim}"')
        if source.claim == "email" and "email_verified" in claims:
            verified = claims["email_verified"]
            if verified is not None and not isinstance(verified, bool):
                raise InvalidCredential(f"oidc: parse 'email_verified' claim: {unfit(verified, 'bool')}")
            if not verified:
                raise InvalidCredential("oidc: email not verified")
        return source.prefix + name

    def _groups(self, claims: Obj, seen: Mapping[str, Any]) -> tuple[str, ...]:
        source = self._mapping.groups
        if source.claim and claims.get(source.claim) is not None:
            value = claims[source.claim]
            listed = [value] if isinstance(value, str) else value
            if not isinstance(listed, list) or not all(isinstance(group, str) for group in listed):
                raise InvalidCredential(f'oidc: parse groups claim "{source.claim}": {unfit(value, "string")}')
            return tuple(source.prefix + group for group in listed)
        if source.claim:
            _refuse_distributed(claims, source.claim)
        return self._texts(source.expression, seen, "group") if source.expression else ()

    def _uid(self, claims: Obj, seen: Mapping[str, Any]) -> str:
        source = self._mapping.uid
        if source.claim:
            return _text(claims, source.claim, f'uid claim "{source.claim}"')
        if not source.expression:
            return ""
        uid = self._run(source.expression, seen, "uid")
        if not isinstance(uid, str):
            why = "uid claim expression must return a string"
            raise InvalidCredential(f"oidc: error evaluating uid claim expression: {why}")
        return uid

    def _extra(self, claims: Obj, seen: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        out = []
        if isinstance(claims.get("jti"), str) and claims["jti"]:
            out.append((_CREDENTIAL, (f"JTI={claims['jti']}",)))
        found = ((key, self._texts(text, seen, "extra")) for key, text in self._mapping.extra)
        return (*out, *((key, values) for key, values in found if values))

    def _texts(self, text: str, seen: Mapping[str, Any], what: str) -> tuple[str, ...]:
        value = self._run(text, seen, what)
        listed = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            which = f"{text}: " if what == "extra" else ""
            why = f"{which}expression must return a string or a list of strings"
            raise InvalidCredential(f"oidc: error evaluating {what} claim expression: {why}")
        return tuple(item for item in listed if item)

    def _check(self, claims: Obj, seen: Mapping[str, Any]) -> None:
        for rule in self._mapping.claim_rules:
            if not rule.claim:
                continue
            if rule.claim not in claims:
                raise InvalidCredential(f"oidc: required claim {rule.claim} not present in ID token")
            got = _string(claims[rule.claim], f"claim {rule.claim}")
            if got != rule.value:
                wrong = f"oidc: required claim {rule.claim} value does not match. Got = {got}, want = {rule.value}"
                raise InvalidCredential(wrong)
        _hold(self._claim_rules, seen, "claim validation expression")


def _expressions(rules: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.expression]


def _hold(rules: Sequence[tuple[Rule, Program]], variables: Mapping[str, Any], what: str) -> None:
    for rule, program in rules:
        try:
            holds = program.run(variables)
        except EvalError as error:
            raise InvalidCredential(f"oidc: error evaluating {what}: {_failed(rule.expression, error)}") from None
        if holds is not True:
            why = f"validation expression '{rule.expression}' failed: {rule.message}"
            raise InvalidCredential(f"oidc: error evaluating {what}: {why}")


def _text(claims: Obj, name: str, what: str) -> str:
    if name not in claims:
        raise InvalidCredential(f"oidc: parse {what}: claim not present")
    return _string(claims[name], what)


def _string(value: Any, what: str) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidCredential(f"oidc: parse {what}: {unfit(value, 'string')}")
    return value or ""


def unfit(value: Any, wanted: str) -> str:
    """What Go's JSON decoder says of a value of another type."""
    kind = _JSON_TYPES.get(type(value), "null")
    return f"json: cannot unmarshal {kind} into Go value of type {wanted}"


def _failed(expression: str, error: EvalError) -> str:
    return f"expression '{expression}' resulted in error: {error}"


def _refuse_distributed(claims: Obj, name: str) -> None:
    """Claims that another server would have to be asked for."""
    if name in (claims.get("_claim_names") or {}):
        raise InvalidCredential(f"oidc: could not expand distributed claims: claim {name} is, and these are not served")
