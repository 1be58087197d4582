"""[sig-api-machinery]: admission policies written as expressions."""

from __future__ import annotations

from typing import Any

from conformance_api import INVALID, Api, Operations, conforms, eventually, unique

Obj = dict[str, Any]
ADMISSION = "admissionregistration.k8s.io/v1"
_VALIDATING = "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should "
_MUTATING = "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should "


def _constraints() -> Obj:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    return {"resourceRules": [rule]}


def _validating(**spec: Any) -> Obj:
    validations = [{"expression": "object.spec.replicas > 1", "messageExpression": "'wants ' + string(2)"}]
    return {"spec": {"matchConstraints": _constraints(), "validations": validations, **spec}}


def _mutating(expression: str) -> Obj:
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    return {"spec": {"matchConstraints": _constraints(), "mutations": [mutation], "reinvocationPolicy": "Never"}}


def _install(api: Api, resource: str, policy: Obj, **binding: Any) -> str:
    """The policy, bound to the test's namespace."""
    name = unique("policy")
    api.post(f"/apis/{ADMISSION}/{resource}", {"metadata": {"name": name}, **policy}, 201)
    mine = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": api.ns}}}
    spec = {"policyName": name, "matchResources": mine, **binding}
    bindings = resource.replace("policies", "policybindings")
    api.post(f"/apis/{ADMISSION}/{bindings}", {"metadata": {"name": name}, "spec": spec}, 201)
    return name


def _remove(api: Api, resource: str, name: str) -> None:
    for one in (resource, resource.replace("policies", "policybindings")):
        api.delete(f"/apis/{ADMISSION}/{one}/{name}")


def _deployment(replicas: int) -> Obj:
    name = unique("d")
    box = {"name": "x", "image": "x"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [box]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def _refuses(api: Api, policy: Obj) -> None:
    """One replica is too few, two are enough."""
    name = _install(api, "validatingadmissionpolicies", policy, validationActions=["Deny"])
    where = api.group("apps/v1", "deployments")
    said = eventually(
        lambda: api.raw("POST", where, _deployment(1), dryRun="All"), lambda r: r.status_code == INVALID
    ).json()
    assert name in said["message"]
    api.post(where, _deployment(2), 201)
    _remove(api, "validatingadmissionpolicies", name)


@conforms(_VALIDATING + "validate against a Deployment")
def test_validating_deployment(api: Api) -> None:
    _refuses(api, _validating())


@conforms(_VALIDATING + "allow expressions to refer variables.")
def test_validating_variables(api: Api) -> None:
    variables = [
        {"name": "replicas", "expression": "object.spec.replicas"},
        {"name": "enough", "expression": "variables.replicas > 1"},
    ]
    _refuses(api, _validating(variables=variables, validations=[{"expression": "variables.enough"}]))


def _binding() -> Obj:
    return {"spec": {"policyName": "replicalimit-policy.example.com"}}


@conforms(_VALIDATING + "support ValidatingAdmissionPolicy API operations")
def test_validating_operations(api: Api) -> None:
    def status(obj: Obj) -> None:
        obj["status"] = {"conditions": [{
            "type": "Accepted", "status": "True", "reason": "E2E", "message": "m",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]}  # fmt: skip

    Operations(api, ADMISSION, "validatingadmissionpolicies", _validating, status_body=status).run()


@conforms(_VALIDATING + "support ValidatingAdmissionPolicyBinding API operations")
def test_validating_binding_operations(api: Api) -> None:
    def make() -> Obj:
        body = _binding()
        body["spec"]["validationActions"] = ["Deny"]
        return body

    Operations(api, ADMISSION, "validatingadmissionpolicybindings", make).run()


def _mutated(api: Api, expression: str) -> Obj:
    name = _install(api, "mutatingadmissionpolicies", _mutating(expression))
    where, body = api.group("apps/v1", "deployments"), _deployment(1)
    plain = dict(body["metadata"])

    def look() -> Obj:
        return api.post(where, body, 201, dryRun="All")

    found = eventually(look, lambda d: d["spec"]["replicas"] != 1 or "mutated" in d["metadata"].get("annotations", {}))
    assert found["metadata"]["name"] == plain["name"]
    _remove(api, "mutatingadmissionpolicies", name)
    return found


@conforms(_MUTATING + "mutate a Deployment")
def test_mutating_deployment(api: Api) -> None:
    assert _mutated(api, "Object{spec: Object.spec{replicas: 3}}")["spec"]["replicas"] == 3


@conforms(_MUTATING + "mutate a Deployment with annotations")
def test_mutating_annotations(api: Api) -> None:
    found = _mutated(api, 'Object{metadata: Object.metadata{annotations: {"mutated": "yes"}}}')
    assert found["metadata"]["annotations"] == {"mutated": "yes"}


@conforms(_MUTATING + "support MutatingAdmissionPolicy API operations")
def test_mutating_operations(api: Api) -> None:
    def make() -> Obj:
        return _mutating("Object{spec: Object.spec{replicas: 3}}")

    Operations(api, ADMISSION, "mutatingadmissionpolicies", make).run()


@conforms(_MUTATING + "support MutatingAdmissionPolicyBinding API operations")
def test_mutating_binding_operations(api: Api) -> None:
    Operations(api, ADMISSION, "mutatingadmissionpolicybindings", _binding).run()
