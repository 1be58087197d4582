"""OpenAPI documents derived from kinds."""

from __future__ import annotations

import orjson

from cluster.apiserver.codecs.protobuf_wire import fields
from cluster.apiserver.openapi import OpenAPI
from cluster.kinds.kind import Kind, Subresource
from cluster.kinds.schema import schema

DEPLOYMENT = Kind(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    namespaced=True,
    definition="io.k8s.api.apps.v1.Deployment",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
WIDGET = Kind(
    group="e.io",
    version="v1",
    kind="Widget",
    plural="widgets",
    namespaced=True,
    schema={"type": "object", "properties": {"spec": {"type": "object", "nullable": True}}},
)


def test_the_index_leads_to_the_documents() -> None:
    api = OpenAPI(schema())
    index = orjson.loads(api.index([DEPLOYMENT, WIDGET]).body)["paths"]
    assert {"apis", "apis/apps", "apis/apps/v1", "apis/e.io/v1", "version"} <= index.keys()
    document = api.document("apis/apps/v1", [DEPLOYMENT, WIDGET])
    assert document is not None
    assert index["apis/apps/v1"]["serverRelativeURL"] == f"/openapi/v3/apis/apps/v1?hash={document.etag}"
    assert api.document("apis/nope/v1", [DEPLOYMENT]) is None


def test_a_document_tells_what_clients_look_for() -> None:
    document = OpenAPI(schema()).document("apis/apps/v1", [DEPLOYMENT])
    assert document is not None
    found = orjson.loads(document.body)
    patch = found["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert "fieldValidation" in [parameter["name"] for parameter in patch["parameters"]]
    spec = found["components"]["schemas"]["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]
    assert spec["replicas"]["type"] == "integer"
    assert spec["template"]["default"] == {}
    references = orjson.dumps(found).split(b'"#/components/schemas/')[1:]
    assert {ref.split(b'"')[0].decode() for ref in references} <= found["components"]["schemas"].keys()


def test_a_changed_custom_resource_changes_the_hash() -> None:
    api = OpenAPI(schema())
    before = api.document("apis/e.io/v1", [WIDGET])
    other = Kind(
        group="e.io", version="v1", kind="Widget", plural="widgets", namespaced=True, schema={"type": "object"}
    )
    after = api.document("apis/e.io/v1", [other])
    assert before is not None
    assert after is not None
    assert before.etag != after.etag
    assert "io.e.v1.Widget" in orjson.loads(after.body)["components"]["schemas"]


def dict_of(message: object) -> dict[int, bytes]:
    assert isinstance(message, bytes)
    return {number: value for number, _, value in fields(message) if isinstance(value, bytes)}


def test_v2_as_json_and_as_protobuf() -> None:
    api = OpenAPI(schema())
    document = orjson.loads(api.v2([DEPLOYMENT, WIDGET]).body)
    assert document["swagger"] == "2.0"
    assert "nullable" not in orjson.dumps(document["definitions"]["io.e.v1.Widget"]).decode()
    message = api.v2([DEPLOYMENT, WIDGET], protobuf=True)
    parts = {number: value for number, _, value in fields(message.body)}
    assert parts[1] == b"2.0"
    named = [value for number, _, value in fields(parts[9]) if number == 1]  # type: ignore[arg-type]
    assert len(named) == len(document["definitions"])
    by_name = {dict_of(item)[1]: dict_of(item)[2] for item in named}
    extensions = [value for number, _, value in fields(by_name[b"io.e.v1.Widget"]) if number == 31]
    assert b"x-kubernetes-group-version-kind" in extensions[0]
    api.drop()
