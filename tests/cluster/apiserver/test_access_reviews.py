"""Access and rules reviews: which questions may be asked, and what is answered with which reason."""

from __future__ import annotations

from typing import Any

import pytest
from apiserver_wire import Wire

API = "/apis/authorization.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
PODS = {"verb": "list", "resource": "pods", "namespace": "default"}


async def review(wire: Wire, spec: dict[str, Any], kind: str = "subjectaccessreviews", **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await wire.call("POST", f"{API}/{kind}", {"spec": spec, **more})).json()
    return answer


async def grant(wire: Wire, subject: dict[str, str], role: str = "r") -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    await wire.call("POST", f"{RBAC}/roles", {"metadata": {"name": "r"}, "rules": rules})
    ref = {"kind": "Role", "name": role}
    await wire.call("POST", f"{RBAC}/rolebindings", {"metadata": {"name": role}, "roleRef": ref, "subjects": [subject]})


async def test_the_reason_names_the_binding_the_role_and_the_subject(wire: Wire) -> None:
    await grant(wire, {"kind": "Group", "name": "devs"})
    status = (await review(wire, {"user": "x", "groups": ["devs"], "resourceAttributes": PODS}))["status"]
    assert status == {
        "allowed": True, "reason": 'RBAC: allowed by RoleBinding "r/default" of Role "r" to Group "devs"'
    }  # fmt: skip
    assert (await review(wire, {"user": "x", "resourceAttributes": PODS}))["status"] == {"allowed": False}


async def test_a_role_that_is_missing_is_told_and_does_not_make_rules_incomplete(wire: Wire) -> None:
    await grant(wire, {"kind": "User", "name": "alice"}, "gone")
    missing = 'role.rbac.authorization.k8s.io "gone" not found'
    status = (await review(wire, {"user": "alice", "resourceAttributes": PODS}))["status"]
    assert status == {"allowed": False, "reason": f"RBAC: {missing}"}
    reply = await wire.call("POST", f"{API}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}, "alice")
    assert reply.json()["status"]["evaluationError"] == missing
    assert reply.json()["status"]["incomplete"] is False


async def test_health_paths_are_open_to_who_is_bound_to_them_only(wire: Wire) -> None:
    asked = {"nonResourceAttributes": {"path": "/healthz", "verb": "get"}}
    assert (await review(wire, {"user": "x", **asked}))["status"] == {"allowed": False}
    known = await review(wire, {"user": "x", "groups": ["system:unauthenticated"], **asked})
    assert known["status"]["allowed"] is True
    assert (await wire.call("GET", "/healthz", token=None)).status == 200
    assert (await wire.call("POST", "/healthz", token=None)).status == 403


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ({"requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}, ""),
        ({"rawSelector": "==="}, "ignored"),
        ({"requirements": [{"key": "a", "operator": "New", "values": ["b"]}]}, "ignored"),
        (
            {
                "requirements": [
                    {"key": "a", "operator": "New"},
                    {"key": "a", "operator": "In", "values": ["b"]},
                ]
            },
            "partially ignored",
        ),
    ],
)
@pytest.mark.parametrize("field", ["fieldSelector", "labelSelector"])
async def test_selectors_that_cannot_be_read_widen_the_question(
    wire: Wire, field: str, selector: dict[str, Any], says: str
) -> None:
    await grant(wire, {"kind": "User", "name": "alice"})
    status = (await review(wire, {"user": "alice", "resourceAttributes": PODS | {field: selector}}))["status"]
    assert status["allowed"] is True
    wanted = f"spec.resourceAttributes.{field} {says} due to parse error" if says else None
    assert status.get("evaluationError") == wanted


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"user": "a"}, "spec.resourceAttributes: Invalid value: null: exactly one of"),
        ({"resourceAttributes": PODS}, 'spec.user: Invalid value: "": at least one of user or group'),
        (
            {"user": "a", "resourceAttributes": PODS, "nonResourceAttributes": {"path": "/", "verb": "get"}},
            'Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in combination',
        ),
        (
            {"user": "a", "resourceAttributes": {"fieldSelector": {}}},
            "Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector",
        ),
        (
            {"user": "a", "resourceAttributes": {"labelSelector": {"requirements": [{"key": "a", "operator": "In"}]}}},
            "requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            {
                "user": "a",
                "resourceAttributes": {"fieldSelector": {"rawSelector": "a=b", "requirements": [{"key": ""}]}},
            },
            'rawSelector: Invalid value: "a=b": may not specified at the same time as requirements',
        ),
    ],
)
async def test_questions_that_cannot_be_asked(wire: Wire, spec: dict[str, Any], says: str) -> None:
    answer = await review(wire, spec)
    assert answer["code"] == 422
    assert says in answer["message"]


async def test_an_extra_without_values_is_no_fault(wire: Wire) -> None:
    spec = {"user": "a", "extra": {"e": None}, "resourceAttributes": PODS}
    assert (await review(wire, spec))["status"]["allowed"] is False


async def test_metadata_of_a_review_must_be_empty(wire: Wire) -> None:
    spec = {"user": "a", "resourceAttributes": PODS}
    named = await review(wire, spec, metadata={"name": "x"})
    assert 'metadata: Invalid value: {"name":"x","managedFields":[{"manager":' in named["message"]
    assert named["message"].endswith(": must be empty")
    assert (await review(wire, spec, metadata={"namespace": "elsewhere"}))["status"]["allowed"] is False


async def test_a_local_review_is_of_its_namespace(wire: Wire) -> None:
    local = "namespaces/default/localsubjectaccessreviews"
    other = await review(wire, {"user": "a", "resourceAttributes": PODS | {"namespace": "x"}}, local)
    assert 'resourceAttributes.namespace: Invalid value: "x": must match metadata.namespace' in other["message"]
    path = await review(wire, {"user": "a", "nonResourceAttributes": {"path": "/", "verb": "get"}}, local)
    assert "disallowed on this kind of request" in path["message"]
    assert (await review(wire, {"user": "a", "resourceAttributes": PODS}, "localsubjectaccessreviews"))["code"] == 404
    good = await review(wire, {"user": "a", "resourceAttributes": PODS}, local)
    assert good["metadata"]["namespace"] == "default"
