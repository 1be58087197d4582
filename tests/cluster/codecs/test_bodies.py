"""Request bodies: what is read, what is warned of, what is refused, and in which words."""

from __future__ import annotations

import pytest

from cluster.apiserver.codecs import Target, decode_body
from cluster.kinds.kind import Kind
from cluster.kinds.schema import schema
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionKind

CONFIG_MAP = Target(GroupVersionKind("", "v1", "ConfigMap"), "io.k8s.api.core.v1.ConfigMap")
DEPLOYMENT = Target(GroupVersionKind("apps", "v1", "Deployment"), "io.k8s.api.apps.v1.Deployment")
WIDGET = Target.of(
    Kind(
        group="e.io",
        version="v1",
        kind="Widget",
        plural="widgets",
        namespaced=True,
        schema={"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    )
)


def read(body: str, target: Target = CONFIG_MAP, validation: str = "Warn", media: str = "application/json"):  # type: ignore[no-untyped-def]
    return decode_body(body.encode(), media, target, schema(), validation)


def refusal(body: str, target: Target = CONFIG_MAP, **more: str) -> str:
    with pytest.raises(StatusError) as caught:
        read(body, target, **more)
    assert caught.value.code == 400
    return caught.value.message


def test_kind_and_version_are_filled_in_and_empty_fields_dropped() -> None:
    found = read('{"metadata":{"name":"a","labels":{}},"data":{"k":null},"immutable":false}').obj
    assert found == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"k": ""},
        "immutable": False,
    }


def test_unknown_and_doubled_fields_warn_or_refuse() -> None:
    body = '{"metadata":{"name":"a","labelz":1},"data":{"a":"1","a":"2"},"Data":{}}'
    found = read(body)
    assert found.warnings == ['unknown field "metadata.labelz"', 'duplicate field "data.a"', 'unknown field "Data"']
    assert found.obj["data"] == {"a": "2"}
    assert read(body, validation="Ignore").warnings == []
    assert refusal(body, validation="Strict") == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
        'unknown field "metadata.labelz", duplicate field "data.a", unknown field "Data"'
    )


def test_strict_faults_come_in_order_of_appearance() -> None:
    body = '{"data":{"a":"1","a":"2"},"zz":1,"zz":2,"immutable":true,"immutable":false,"aa":1}'
    assert read(body).warnings == [
        'duplicate field "data.a"',
        'unknown field "zz"',
        'duplicate field "immutable"',
        'unknown field "aa"',
    ]


def test_doubled_keys_are_found_behind_escapes() -> None:
    assert read('{"data":{"a":"x\\u0022:y","a":"\\":"}}').warnings == ['duplicate field "data.a"']
    assert read('{"data":{"a":":","b":"\\":\\":"}}').warnings == []


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ('{"replicas":"x"}', "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ('{"replicas":1.5}', "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (
            '{"replicas":99999999999}',
            "number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            '{"template":{"spec":{"containers":{}}}}',
            "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
        ),
    ],
)
def test_type_faults_are_told_as_go_tells_them(spec: str, fault: str) -> None:
    assert refusal(f'{{"spec":{spec}}}', DEPLOYMENT) == (
        f'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal {fault}'
    )


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            "",
            "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
        ),
        ("{", "couldn't get version/kind; json parse error: unexpected end of JSON input ({)"),
        (
            '{"apiVersion":"a/b/c","kind":"ConfigMap"}',
            'unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c","kind":" ...)',
        ),
        ('{"kind":"Foo"}', 'no kind "Foo" is registered for version "v1" in scheme'),
        ('{"kind":"Pod"}', "converting (v1.Pod) to (core.ConfigMap): unknown conversion"),
        ('{"binaryData":{"a":"!"}}', "illegal base64 data at input byte 0"),
    ],
)
def test_what_cannot_be_read(body: str, fault: str) -> None:
    assert fault in refusal(body)


def test_yaml_bodies() -> None:
    found = read("metadata: {name: x}\ndata:\n  a: '1'\n  a: '2'\n", media="application/yaml")
    assert found.obj["data"] == {"a": "2"}
    assert found.warnings == ['line 4: key "a" already set in map']
    assert refusal("data: {a: '1', a: '2'}\nzz: 1\n", media="application/yaml", validation="Strict").endswith(
        'strict decoding error: yaml: unmarshal errors:\n  line 1: key "a" already set in map, unknown field "zz"'
    )
    assert "cannot unmarshal bool into Go struct field ObjectMeta.metadata.name" in refusal(
        "metadata: {name: y}", media="application/yaml"
    )
    assert refusal("a: [", media="application/yaml").endswith("did not find expected node content (613a205b)")


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "excessive aliasing" in refusal("\n".join(lines), media="application/yaml")


@pytest.mark.parametrize("media", ["application/json", "application/yaml"])
def test_deep_nesting_is_refused(media: str) -> None:
    for depth in (300, 100_000):
        assert refusal('{"data":' + "[" * depth + "]" * depth + "}", media=media)


def test_an_unknown_media_type_is_refused() -> None:
    with pytest.raises(StatusError) as caught:
        read("x", media="text/plain")
    assert caught.value.code == 415


def test_custom_resources_are_pruned_and_their_metadata_read_strictly() -> None:
    head = '"apiVersion":"e.io/v1","kind":"Widget"'
    found = read(f'{{{head},"metadata":{{"name":"a","bogus":1}},"spec":{{"a":1,"zz":2}},"top":3}}', WIDGET)
    assert found.obj["spec"] == {"a": 1}
    assert found.warnings == [f'unknown field "{path}"' for path in ("metadata.bogus", "spec.zz", "top")]
    assert refusal(f'{{{head},"metadata":{{"labels":{{"a":1}}}}}}', WIDGET).endswith(
        "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"
    )
    assert "does not match the expected API version" in refusal('{"apiVersion":"e.io/v2","kind":"Widget"}', WIDGET)
    assert "Object 'Kind' is missing" in refusal("{}", WIDGET)
