"""Admission policies: expressions that refuse, warn about and change writes."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj

GROUP = "admissionregistration.k8s.io"
MAPS = GroupVersionResource("", "v1", "configmaps")
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}


async def put(server: ApiServer, kind: str, plural: str, spec: dict[str, Any], name: str = "p") -> None:
    obj = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    await server.client().create(GroupVersionResource(GROUP, "v1", plural), obj)


async def validating(server: ApiServer, validation: dict[str, Any], **more: Any) -> None:
    binding = more.pop("binding", {"validationActions": ["Deny"]})
    spec = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [validation], **more}
    await put(server, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", spec)
    kind, plural = "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
    await put(server, kind, plural, {"policyName": "p", **binding}, "b")


async def mutating(server: ApiServer, mutation: dict[str, Any], **more: Any) -> None:
    spec = {"matchConstraints": {"resourceRules": [RULE]}, "mutations": [mutation], "reinvocationPolicy": "Never"}
    await put(server, "MutatingAdmissionPolicy", "mutatingadmissionpolicies", {**spec, **more})
    kind, plural = "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"
    await put(server, kind, plural, {"policyName": "p"}, "b")


async def make(server: ApiServer, name: str = "m", user: UserInfo | None = None, **data: str) -> Obj:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    client = server.client() if user is None else server.client(user)
    return dict(await client.create(MAPS, body, "default"))


async def test_a_write_that_does_not_satisfy_is_refused(server: ApiServer) -> None:
    await validating(server, {"expression": "object.data.x == '1'", "messageExpression": "'x is ' + object.data.x"})
    await make(server, x="1")
    with pytest.raises(StatusError) as caught:
        await make(server, "n", x="2")
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert caught.value.message.endswith("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: x is 2")


async def test_a_fault_is_refused_or_ignored_as_the_policy_says(server: ApiServer) -> None:
    await validating(server, {"expression": "object.data.missing == '1'"}, failurePolicy="Ignore")
    await make(server, x="1")


async def test_selectors_of_the_binding_narrow_a_policy(server: ApiServer) -> None:
    match = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    binding = {"validationActions": ["Deny"], "matchResources": match}
    await validating(server, {"expression": "false"}, binding=binding)
    await make(server)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}
    with pytest.raises(StatusError, match="failed expression: false"):
        await server.client().create(MAPS, body, "kube-system")


async def test_the_authorizer_answers_for_the_one_who_writes(server: ApiServer) -> None:
    check = "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()"
    await validating(server, {"expression": f"request.userInfo.username == 'system:apiserver' || {check}"})
    await make(server)
    masters = UserInfo("root", "", ("system:masters",))
    await make(server, "n", masters)


async def test_parameters_by_selector_are_each_asked(server: ApiServer) -> None:
    for name, most in (("one", "5"), ("two", "3")):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"limit": "yes"}}}
        await server.client().create(MAPS, {**body, "data": {"most": most}}, "default")
    ref = {"selector": {"matchLabels": {"limit": "yes"}}, "parameterNotFoundAction": "Deny"}
    await validating(
        server,
        {"expression": "int(object.data.n) <= int(params.data.most)"},
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        binding={"validationActions": ["Deny"], "paramRef": ref},
    )
    await make(server, "a", n="3")
    with pytest.raises(StatusError):
        await make(server, "b", n="4")


async def test_a_configuration_is_merged_into_what_is_written(server: ApiServer) -> None:
    text = "Object{metadata: Object.metadata{annotations: {'by': request.userInfo.username}}, data: {'y': '2'}}"
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}}
    await mutating(server, mutation)
    made = await make(server, x="1")
    assert made["data"] == {"x": "1", "y": "2"}
    assert made["metadata"]["annotations"] == {"by": "system:apiserver"}


async def test_a_patch_is_made_only_where_the_condition_holds(server: ApiServer) -> None:
    text = "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('size'), value: variables.v}]"
    await mutating(
        server,
        {"patchType": "JSONPatch", "jsonPatch": {"expression": text}},
        variables=[{"name": "v", "expression": "string(size(object.data))"}],
        matchConditions=[{"name": "has-x", "expression": "'x' in object.data"}],
    )
    assert (await make(server, x="1"))["data"] == {"x": "1", "size": "1"}
    assert (await make(server, "plain", z="1"))["data"] == {"z": "1"}


@pytest.mark.parametrize("text", ["object.x +", "nothing == 1", "params.data.x == 'y'", "variables.v == 1"])
async def test_expressions_that_cannot_be_compiled_are_refused(server: ApiServer, text: str) -> None:
    with pytest.raises(StatusError, match="compilation failed"):
        await validating(server, {"expression": text})
