"""[sig-api-machinery]: custom resource definitions, their discovery, documents, defaults and validation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conformance_api import APPLY, BAD, MISSING, Api, conforms, eventually, expect, unique

Obj = dict[str, Any]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_PUBLISH = "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] "
_FIELDS = "[sig-api-machinery] FieldValidation "
_SIMPLE = "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] "
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
TYPED = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object", "description": "Specification of Foo",
            "properties": {
                "cronSpec": {"type": "string"}, "foo": {"type": "string"}, "knownField1": {"type": "string"},
                "ports": {
                    "type": "array", "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
                    "items": {
                        "type": "object", "required": ["containerPort", "protocol"],
                        "properties": {"containerPort": {"type": "integer"}, "protocol": {"type": "string"}},
                    },
                },
            },
        },
        "status": {"type": "object", "properties": {"bars": {"type": "array", "items": {"type": "string"}}}},
    },
}  # fmt: skip


def _definition(group: str = "", kind: str = "Foo", schema: Obj | None = None, **more: Any) -> Obj:
    group, stem = group or f"{unique('g')}.example.com", kind.lower()
    versions = more.pop("versions", ("v1",))
    listed = [
        {"name": name, "served": True, "storage": at == 0, "schema": {"openAPIV3Schema": schema or OPEN}, **more}
        for at, name in enumerate(versions)
    ]
    names = {"plural": f"{stem}s", "singular": stem, "kind": kind, "listKind": f"{kind}List"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": listed}
    return {"metadata": {"name": f"{stem}s.{group}"}, "spec": spec}


@contextmanager
def _defined(api: Api, *bodies: Obj) -> Iterator[None]:
    """Served by the time the block begins; gone after it."""
    for body in bodies:
        api.post(CRDS, body, 201)
        spec = body["spec"]
        for version in spec["versions"]:
            path = f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
            eventually(lambda path=path: api.raw("GET", path), lambda r: r.status_code == 200)
    yield
    for body in bodies:
        api.delete(f"{CRDS}/{body['metadata']['name']}")
        api.gone(f"{CRDS}/{body['metadata']['name']}")


def _where(api: Api, body: Obj, version: str = "v1") -> str:
    return api.group(f"{body['spec']['group']}/{version}", body["spec"]["names"]["plural"])


# -- definitions ------------------------------------------------------------------------------------------------


@conforms(_SIMPLE + "Simple CustomResourceDefinition creating/deleting custom resource definition objects works")
def test_definition(api: Api) -> None:
    body = _definition()
    with _defined(api, body):
        conditions = api.get(f"{CRDS}/{body['metadata']['name']}")["status"]["conditions"]
        assert {one["type"]: one["status"] for one in conditions} == {"NamesAccepted": "True", "Established": "True"}
    api.get(f"{CRDS}/{body['metadata']['name']}", MISSING)


@conforms(_SIMPLE + "Simple CustomResourceDefinition listing custom resource definition objects works")
def test_definition_list(api: Api) -> None:
    bodies = [_definition() for _ in range(4)]
    for body in bodies:
        body["metadata"]["labels"] = {"e2e-list-test-uuid": api.ns}
    label = {"labelSelector": f"e2e-list-test-uuid={api.ns}"}
    for body in bodies:
        api.post(CRDS, body, 201)
    assert len(api.items(CRDS, **label)) == 4
    api.delete(CRDS, **label)
    eventually(lambda: api.items(CRDS, **label), lambda items: not items)


@conforms(
    _SIMPLE + "Simple CustomResourceDefinition getting/updating/patching custom resource definition status"
    " sub-resource works"
)
def test_definition_status(api: Api) -> None:
    body = _definition()
    path = f"{CRDS}/{body['metadata']['name']}/status"
    with _defined(api, body):
        more = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "updated"}
        obj = api.get(path)
        obj["status"]["conditions"].append(more)
        seen = api.put(path, obj)
        assert "StatusUpdate" in [one["type"] for one in seen["status"]["conditions"]]
        conditions = [*seen["status"]["conditions"], {**more, "type": "StatusPatch"}]
        seen = api.patch(path, {"status": {"conditions": conditions}})
        assert "StatusPatch" in [one["type"] for one in seen["status"]["conditions"]]


@conforms(_SIMPLE + "should include custom resource definition resources in discovery documents")
def test_definitions_discovered(api: Api) -> None:
    groups = {one["name"]: one for one in api.get("/apis")["groups"]}
    assert "apiextensions.k8s.io/v1" in [v["groupVersion"] for v in groups["apiextensions.k8s.io"]["versions"]]
    assert "v1" in [v["version"] for v in api.get("/apis/apiextensions.k8s.io")["versions"]]
    names = [one["name"] for one in api.get("/apis/apiextensions.k8s.io/v1")["resources"]]
    assert "customresourcedefinitions" in names


@conforms(_SIMPLE + "custom resource defaulting for requests and from storage works")
def test_defaulting(api: Api) -> None:
    body = _definition()
    with _defined(api, body):
        api.post(_where(api, body), {**_custom(body, "first")}, 201)
        assert "a" not in api.get(f"{_where(api, body)}/first")
        typed = {**OPEN, "properties": {"a": {"type": "string", "default": "A"}, "b": {"type": "string"}}}

        def give(definition: Obj) -> None:
            definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = typed

        api.change(f"{CRDS}/{body['metadata']['name']}", give)
        eventually(lambda: api.get(f"{_where(api, body)}/first").get("a"), lambda value: value == "A")
        assert api.post(_where(api, body), _custom(body, "second"), 201)["a"] == "A"


def _custom(body: Obj, name: str, version: str = "v1", **more: Any) -> Obj:
    spec = body["spec"]
    head = {"apiVersion": f"{spec['group']}/{version}", "kind": spec["names"]["kind"]}
    return {**head, "metadata": {"name": name}, **more}


@conforms(
    "[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch"
    " watch on custom resource definition objects"
)
def test_watch_custom(api: Api) -> None:
    body = _definition()
    with _defined(api, body):
        where = _where(api, body)
        with api.watch(where) as events:
            for name in ("name1", "name2"):
                api.post(where, _custom(body, name), 201)
                assert expect(events, "ADDED")["metadata"]["name"] == name
            for name in ("name1", "name2"):
                api.patch(f"{where}/{name}", {"dummy": "test"})
                assert expect(events, "MODIFIED")["metadata"]["name"] == name
            for name in ("name1", "name2"):
                api.delete(f"{where}/{name}")
                assert expect(events, "DELETED")["metadata"]["name"] == name


@conforms(
    "[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST"
    " list and watch custom resources matching the field selector"
)
def test_field_selectors(api: Api) -> None:
    fields = {"host": {"type": "string"}, "port": {"type": "string"}}
    schema = {"type": "object", "properties": fields}
    body = _definition(schema=schema, selectableFields=[{"jsonPath": ".host"}, {"jsonPath": ".port"}])
    with _defined(api, body):
        where = _where(api, body)
        with api.watch(where, fieldSelector="host=host1") as events:
            for name, host, port in (("one", "host1", "80"), ("two", "host1", "8080"), ("three", "host2", "80")):
                api.post(where, _custom(body, name, host=host, port=port), 201)
            assert [next(events)[1]["metadata"]["name"] for _ in range(2)] == ["one", "two"]
            found = api.items(where, fieldSelector="host=host1,port=80")
            assert [one["metadata"]["name"] for one in found] == ["one"]
            api.patch(f"{where}/one", {"host": "host2"})
            assert expect(events, "DELETED")["metadata"]["name"] == "one"
        assert len(api.items(where, fieldSelector="host=host2")) == 2
        api.delete(where, fieldSelector="host=host2")
        assert [one["metadata"]["name"] for one in api.items(where)] == ["two"]
        api.get(where, BAD, fieldSelector="other=1")


# -- discovery --------------------------------------------------------------------------------------------------


def _aggregated(api: Api, group: str) -> set[str]:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    items = api.http.get("/apis", headers={"Accept": accept}).json()["items"]
    return {
        f"{version['version']}/{one['resource']}"
        for item in items if item["metadata"]["name"] == group
        for version in item["versions"] for one in version["resources"]
    }  # fmt: skip


@conforms("[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs")
def test_aggregated_interface(api: Api) -> None:
    body = _definition(versions=("v1", "v2"))
    with _defined(api, body):
        eventually(lambda: _aggregated(api, body["spec"]["group"]), lambda found: found == {"v1/foos", "v2/foos"})
    eventually(lambda: _aggregated(api, body["spec"]["group"]), lambda found: not found)


@conforms("[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs")
def test_aggregated_raw(api: Api) -> None:
    body = _definition()
    with _defined(api, body):
        eventually(lambda: _aggregated(api, body["spec"]["group"]), lambda found: found == {"v1/foos"})


# -- documents --------------------------------------------------------------------------------------------------


def _documented(api: Api) -> dict[tuple[str, str, str], Obj]:
    """Group, version and kind to the definition in the second OpenAPI document."""
    return {
        (one["group"], one["version"], one["kind"]): definition
        for definition in api.get("/openapi/v2")["definitions"].values()
        for one in definition.get("x-kubernetes-group-version-kind") or ()
    }


def _published(api: Api, body: Obj, *versions: str) -> list[Obj]:
    spec = body["spec"]
    keys = [(spec["group"], version, spec["names"]["kind"]) for version in versions]
    documents = eventually(lambda: _documented(api), lambda found: all(key in found for key in keys))
    return [documents[key] for key in keys]


@conforms(_PUBLISH + "works for CRD with validation schema")
def test_document_with_schema(api: Api) -> None:
    body = _definition(schema=TYPED)
    with _defined(api, body):
        found = _published(api, body, "v1")[0]
        assert found["properties"]["spec"]["description"] == "Specification of Foo"
        assert found["properties"]["spec"]["properties"]["cronSpec"]["type"] == "string"
        assert {"apiVersion", "kind", "metadata"} <= found["properties"].keys()


@conforms(_PUBLISH + "works for CRD without validation schema")
def test_document_without_schema(api: Api) -> None:
    body = _definition(schema={"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    with _defined(api, body):
        assert not (_published(api, body, "v1")[0].get("properties") or {}).keys() - {"apiVersion", "kind", "metadata"}
        api.post(_where(api, body), _custom(body, "any", a={"b": [1, 2]}), 201, fieldValidation="Strict")


@conforms(_PUBLISH + "works for CRD preserving unknown fields at the schema root")
def test_document_open_root(api: Api) -> None:
    body = _definition(schema={**TYPED, "x-kubernetes-preserve-unknown-fields": True})
    with _defined(api, body):
        _published(api, body, "v1")
        made = api.post(_where(api, body), _custom(body, "any", a={"b": [1, 2]}), 201, fieldValidation="Strict")
        assert made["a"] == {"b": [1, 2]}


@conforms(_PUBLISH + "works for CRD preserving unknown fields in an embedded object")
def test_document_open_inside(api: Api) -> None:
    schema = {"type": "object", "properties": {"spec": OPEN, "status": OPEN}}
    body = _definition(schema=schema)
    with _defined(api, body):
        assert "spec" in _published(api, body, "v1")[0]["properties"]
        api.post(_where(api, body), _custom(body, "any", spec={"b": [1]}), 201, fieldValidation="Strict")


@conforms(_PUBLISH + "works for multiple CRDs of different groups")
def test_documents_of_groups(api: Api) -> None:
    one, two = _definition(schema=TYPED), _definition(schema=TYPED)
    with _defined(api, one, two):
        assert _published(api, one, "v1")
        assert _published(api, two, "v1")


@conforms(_PUBLISH + "works for multiple CRDs of same group but different versions")
def test_documents_of_versions(api: Api) -> None:
    body = _definition(schema=TYPED, versions=("v2", "v3"))
    with _defined(api, body):
        assert len(_published(api, body, "v2", "v3")) == 2


@conforms(_PUBLISH + "works for multiple CRDs of same group and version but different kinds")
def test_documents_of_kinds(api: Api) -> None:
    one = _definition(schema=TYPED)
    two = _definition(one["spec"]["group"], "Bar", TYPED)
    with _defined(api, one, two):
        assert _published(api, one, "v1")
        assert _published(api, two, "v1")


@conforms(_PUBLISH + "updates the published spec when one version gets renamed")
def test_document_renamed(api: Api) -> None:
    body = _definition(schema=TYPED, versions=("v2", "v3"))
    with _defined(api, body):
        _published(api, body, "v2", "v3")

        def rename(definition: Obj) -> None:
            definition["spec"]["versions"][1]["name"] = "v4"

        api.change(f"{CRDS}/{body['metadata']['name']}", rename)
        _published(api, body, "v2", "v4")
        assert (body["spec"]["group"], "v3", "Foo") not in _documented(api)


@conforms(_PUBLISH + "removes definition from spec when one version gets changed to not be served")
def test_document_removed(api: Api) -> None:
    body = _definition(schema=TYPED, versions=("v5", "v6"))
    with _defined(api, body):
        _published(api, body, "v5", "v6")

        def retire(definition: Obj) -> None:
            definition["spec"]["versions"][1]["served"] = False

        api.change(f"{CRDS}/{body['metadata']['name']}", retire)
        eventually(lambda: (body["spec"]["group"], "v6", "Foo") not in _documented(api))
        _published(api, body, "v5")


# -- field validation -------------------------------------------------------------------------------------------


def _apply(api: Api, path: str, body: Obj | str, status: int = 0) -> Obj:
    return api.patch(path, body, status, mime=APPLY, fieldManager="e2e", fieldValidation="Strict")


def _deployment(name: str) -> Obj:
    box = {"name": "nginx", "image": "nginx"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [box]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


@conforms(_FIELDS + "should detect unknown and duplicate fields of a typed object")
def test_typed_fields(api: Api) -> None:
    where = api.group("apps/v1", "deployments")
    body = _deployment("d")
    body["spec"] |= {"unknownField": "x"}
    text = json.dumps(body).replace('"replicas": 0', '"replicas": 0, "replicas": 1')
    fault = api.call("POST", where, text, BAD, fieldValidation="Strict")
    assert 'unknown field "spec.unknownField"' in fault["message"]
    assert 'duplicate field "spec.replicas"' in fault["message"]


@conforms(_FIELDS + "should detect unknown metadata fields of a typed object")
def test_typed_metadata(api: Api) -> None:
    body = _deployment("d")
    body["metadata"]["unknownMeta"] = "x"
    fault = api.post(api.group("apps/v1", "deployments"), body, BAD, fieldValidation="Strict")
    assert 'unknown field "metadata.unknownMeta"' in fault["message"]


@conforms(_FIELDS + "should create/apply a CR with unknown fields for CRD with no validation schema")
def test_open_custom(api: Api) -> None:
    body = _definition()
    with _defined(api, body):
        _apply(api, f"{_where(api, body)}/mytest", _custom(body, "mytest", spec={"unknown1": "a", "foo": "b"}))
        assert api.get(f"{_where(api, body)}/mytest")["spec"]["unknown1"] == "a"


@conforms(_FIELDS + "should create/apply a valid CR for CRD with validation schema")
def test_valid_custom(api: Api) -> None:
    body = _definition(schema=TYPED)
    spec = {"knownField1": "val1", "ports": [{"containerPort": 8080, "protocol": "TCP"}]}
    with _defined(api, body):
        _apply(api, f"{_where(api, body)}/mytest", _custom(body, "mytest", spec=spec))
        assert api.get(f"{_where(api, body)}/mytest")["spec"] == spec


@conforms(_FIELDS + "should create/apply an invalid CR with extra properties for CRD with validation schema")
def test_invalid_custom(api: Api) -> None:
    body = _definition(schema=TYPED)
    with _defined(api, body):
        wrong = _custom(body, "mytest", spec={"unknownField": "x", "foo": "y"})
        fault = _apply(api, f"{_where(api, body)}/mytest", wrong, 500)
        assert ".spec.unknownField: field not declared in schema" in fault["message"]


@conforms(_FIELDS + "should detect duplicates in a CR when preserving unknown fields")
def test_duplicates_in_custom(api: Api) -> None:
    body = _definition(schema={**TYPED, "x-kubernetes-preserve-unknown-fields": True})
    with _defined(api, body):
        text = json.dumps(_custom(body, "mytest", spec={"foo": "a"})).replace('"foo": "a"', '"foo": "a", "foo": "b"')
        fault = api.call("POST", _where(api, body), text, BAD, fieldValidation="Strict")
        assert 'duplicate field "spec.foo"' in fault["message"]


@conforms(_FIELDS + "should detect unknown metadata fields in both the root and embedded object of a CR")
def test_metadata_of_custom(api: Api) -> None:
    embedded = {**OPEN, "x-kubernetes-embedded-resource": True}
    template = {"type": "object", "properties": {"template": embedded}}
    body = _definition(schema={"type": "object", "properties": {"spec": template}})
    with _defined(api, body):
        inner = {"apiVersion": "foo/v1", "kind": "Sub", "metadata": {"name": "sub", "unknownSubMeta": "x"}}
        obj = _custom(body, "mytest", spec={"template": inner})
        obj["metadata"]["unknownMeta"] = "y"
        fault = api.post(_where(api, body), obj, BAD, fieldValidation="Strict")
        assert 'unknown field "metadata.unknownMeta"' in fault["message"]
        assert 'unknown field "spec.template.metadata.unknownSubMeta"' in fault["message"]
