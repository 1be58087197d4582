"""Custom resources judged by their schema: on writes, against what was there before, and as Kubernetes words it."""

from __future__ import annotations

from typing import Any

import pytest
from apiserver_wire import Wire

from cluster.meta.types import Obj

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
THINGS = "/apis/acme.io/v1/namespaces/default/things"
TEXT: dict[str, Any] = {"type": "string"}


def definition(**fields: Any) -> Obj:
    spec = {"type": "object", "properties": fields}
    status = {"type": "object", "properties": {"n": {"type": "integer"}, "sel": TEXT}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.acme.io"},
        "spec": {
            "group": "acme.io",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [version],
        },
    }


async def causes(wire: Wire, schema: Obj, value: Any) -> list[tuple[str, str]]:
    """What is said of a value of a field `f`, as (field, message)."""
    made = await wire.call("POST", CRDS, definition(f=schema))
    assert made.status == 201, made.body
    body = {"apiVersion": "acme.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"f": value}}
    reply = await wire.call("POST", THINGS, body)
    details = reply.json().get("details") or {}
    return [(cause["field"], cause["message"]) for cause in details.get("causes") or ()]


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        (
            {"type": "string", "enum": ["a", "b"]},
            5,
            [
                ("spec.f", 'Invalid value: "integer": spec.f in body must be of type string: "integer"'),
                ("spec.f", 'Unsupported value: 5: supported values: "a", "b"'),
            ],
        ),
        (
            {"type": "string", "maxLength": 3, "pattern": "^[a-z]+$"},
            "ABCDE",
            [("spec.f", "Too long: may not be more than 3 bytes")],
        ),
        (
            {"type": "integer", "format": "int32"},
            2**31,
            [("<nil>", 'Invalid value: "": Checked value must be of type integer with format int32 in spec.f')],
        ),
        (
            {"type": "string", "format": "date"},
            "2020-13-01",
            [("spec.f", 'Invalid value: "2020-13-01": spec.f in body must be of type date: "2020-13-01"')],
        ),
        (
            {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
            ["a", "a", "a"],
            [("spec.f[1]", 'Duplicate value: "a"')],
        ),
        ({"type": "number", "multipleOf": 0.5}, 1.5, []),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
            {"kind": "P d"},
            [
                ("spec.f.apiVersion", "Required value"),
                (
                    "spec.f.kind",
                    'Invalid value: "P d": may have mixed case, but should otherwise match: a DNS-1035 label must '
                    "consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end "
                    "with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
                    "'[a-z]([-a-z0-9]*[a-z0-9])?')",
                ),
            ],
        ),
        (
            {"x-kubernetes-int-or-string": True, "x-kubernetes-validations": [{"rule": "self > 3"}]},
            "x",
            [
                (
                    "spec.f",
                    "Invalid value: \"\": 'no such overload': call arguments did not match a supported operator, "
                    "function or macro signature for rule: self > 3",
                )
            ],
        ),
        (
            {"type": "integer", "x-kubernetes-validations": [{"rule": "10 / self > 1"}]},
            0,
            [("spec.f", 'Invalid value: "integer": division by zero evaluating rule: 10 / self > 1')],
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "x-kubernetes-validations": [
                    {"rule": "self.a < self.b", "reason": "FieldValueForbidden", "fieldPath": ".b"}
                ],
            },
            {"a": 3, "b": 2},
            [("spec.f.b", "Forbidden: failed rule: self.a < self.b")],
        ),
    ],
)
async def test_a_value_is_refused_in_the_words_of_kubernetes(
    wire: Wire, schema: Obj, value: Any, said: list[tuple[str, str]]
) -> None:
    assert await causes(wire, schema, value) == said


async def test_faults_that_were_there_are_let_pass_and_those_of_rules_are_told(wire: Wire) -> None:
    loose = definition(a=TEXT, b=TEXT, c=TEXT)
    await wire.call("POST", CRDS, loose)
    body: Obj = {"apiVersion": "acme.io/v1", "kind": "Thing", "metadata": {"name": "t"}}
    await wire.call("POST", THINGS, {**body, "spec": {"a": "toolong", "b": "bad", "c": "x"}})
    strict = {"type": "string", "maxLength": 3}
    rule = {"type": "string", "maxLength": 9, "x-kubernetes-validations": [{"rule": "self != 'bad'"}]}
    versions = definition(a=strict, b=rule, c=TEXT)["spec"]["versions"]
    merge = {"content_type": "application/merge-patch+json"}
    await wire.call("PATCH", f"{CRDS}/things.acme.io", {"spec": {"versions": versions}}, **merge)
    reply = await wire.call("PATCH", f"{THINGS}/t", {"spec": {"c": "y"}}, **merge)
    assert reply.status == 200
    assert reply.headers["warning"] == '299 - "spec.b: Invalid value: \\"bad\\": failed rule: self != \'bad\'"'
    reply = await wire.call("PATCH", f"{THINGS}/t", {"spec": {"a": "longer still"}}, **merge)
    assert reply.status == 422


async def test_numbers_that_scale_are_checked_with_the_object(wire: Wire) -> None:
    crd = definition(n={"type": "integer"})
    paths = {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n", "labelSelectorPath": ".status.sel"}
    crd["spec"]["versions"][0]["subresources"] = {"status": {}, "scale": paths}
    await wire.call("POST", CRDS, crd)
    body: Obj = {"apiVersion": "acme.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"n": -1}}
    reply = await wire.call("POST", THINGS, body)
    said = reply.json()["details"]["causes"]
    assert [(cause["field"], cause["message"]) for cause in said] == [
        (".spec.n", "Invalid value: -1: should be a non-negative integer")
    ]
    await wire.call("POST", THINGS, {**body, "spec": {"n": 1}})
    merge = {"content_type": "application/merge-patch+json"}
    reply = await wire.call("PATCH", f"{THINGS}/t/scale", {"spec": {"replicas": "x"}}, **merge)
    assert reply.status == 422
    assert "cannot unmarshal string into Go struct field ScaleSpec.spec.replicas" in reply.json()["message"]


async def test_numbers_are_given_back_as_go_writes_them(wire: Wire) -> None:
    await wire.call("POST", CRDS, definition(n={"type": "number"}, i={"type": "integer"}))
    body = b'{"apiVersion":"acme.io/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"n":2.50,"i":5.0}}'
    reply = await wire.call("POST", THINGS, body)
    assert b'"spec":{"n":2.5,"i":5}' in reply.body


async def test_schemas_are_published_with_what_their_extensions_mean(wire: Wire) -> None:
    port = {"x-kubernetes-int-or-string": True}
    inner = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    crd = definition(port=port, inner=inner, size={"type": "integer", "default": 3})
    crd["spec"]["versions"][0]["selectableFields"] = [{"jsonPath": ".spec.size"}]
    await wire.call("POST", CRDS, crd)
    v3 = (await wire.call("GET", "/openapi/v3/apis/acme.io/v1")).json()["components"]["schemas"]["io.acme.v1.Thing"]
    v2 = (await wire.call("GET", "/openapi/v2")).json()["definitions"]["io.acme.v1.Thing"]
    assert v3["x-kubernetes-selectable-fields"] == v2["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.size"}]
    told, plain = v3["properties"]["spec"]["properties"], v2["properties"]["spec"]["properties"]
    assert told["port"] == {**port, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert told["inner"]["required"] == ["kind", "apiVersion"]
    assert set(told["inner"]["properties"]) == {"apiVersion", "kind", "metadata"}
    assert told["size"] == {"type": "integer", "default": 3}
    assert plain["port"] == port
    assert plain["inner"] == {key: inner[key] for key in inner if key != "type"}
    assert plain["size"] == {"type": "integer"}


async def test_versions_of_a_definition_are_told_by_their_names(wire: Wire) -> None:
    crd = definition()
    version = crd["spec"]["versions"][0]
    crd["spec"]["versions"] = [
        {**version, "name": name, "storage": name == "v1"} for name in ("v1beta1", "v1", "v2alpha1")
    ]
    await wire.call("POST", CRDS, crd)
    told = (await wire.call("GET", "/apis/acme.io")).json()
    assert [version["version"] for version in told["versions"]] == ["v1", "v1beta1", "v2alpha1"]


async def test_a_status_that_forgets_what_is_stored_is_filled(wire: Wire) -> None:
    await wire.call("POST", CRDS, definition())
    merge = {"content_type": "application/merge-patch+json"}
    reply = await wire.call("PATCH", f"{CRDS}/things.acme.io/status", {"status": {"storedVersions": []}}, **merge)
    assert reply.status == 200
    assert reply.json()["status"]["storedVersions"] == ["v1"]
