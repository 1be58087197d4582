"""Objects against the schema of Kubernetes, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from pyhelm.manifest.diff import diff_manifests
from pyhelm.manifest.objects import objects_of
from pyhelm.manifest.schema import definitions_for
from pyhelm.manifest.validate import check_objects

DEFINITIONS = definitions_for("v1.35.0")


def faults(body: dict[str, Any]) -> list[str]:
    return [str(fault) for fault in check_objects([("c/templates/x.yaml", body)], DEFINITIONS)]


def deployment(**container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "i", **container}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec},
        },
    }


def test_a_good_object_has_no_fault() -> None:
    assert faults(deployment(ports=[{"containerPort": 80}], resources={"limits": {"cpu": 1, "memory": "1Gi"}})) == []


def test_an_unknown_field_names_file_object_path_and_the_likely_one() -> None:
    assert faults(deployment(imagePullPolcy="Always")) == [
        "c/templates/x.yaml: Deployment/web: spec.template.spec.containers[0].imagePullPolcy: "
        'unknown field "imagePullPolcy", did you mean "imagePullPolicy"?'
    ]


def test_a_number_where_a_string_belongs_says_to_quote_it() -> None:
    found = faults(deployment(env=[{"name": "A", "value": 5}]))
    assert found == [
        "c/templates/x.yaml: Deployment/web: spec.template.spec.containers[0].env[0].value: "
        "must be a string, not 5: quote it"
    ]


def test_what_is_required_and_missing_is_named() -> None:
    body = deployment()
    del body["spec"]["selector"]
    assert faults(body) == ["c/templates/x.yaml: Deployment/web: spec.selector: is required"]


def test_nulls_count_as_absent() -> None:
    assert faults(deployment(command=None)) == []


@pytest.mark.parametrize(
    ("api_version", "kind", "said"),
    [
        ("apps/v1beta1", "Deployment", "use apps/v1"),
        ("apps/v1", "Deploymnt", 'did you mean "Deployment"'),
    ],
)
def test_an_unknown_kind_of_kubernetes_says_what_there_is(api_version: str, kind: str, said: str) -> None:
    found = faults({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}})
    assert len(found) == 1
    assert said in found[0]


def test_kinds_of_other_groups_are_left_to_the_server() -> None:
    assert faults({"apiVersion": "acme.io/v1", "kind": "Widget", "metadata": {"name": "x"}}) == []


def test_whole_numbers_stay_integers() -> None:
    assert objects_of("---\n# Source: c/a.yaml\na: 3\nb: 1.5\nc: 1000000\n") == [
        ("c/a.yaml", {"a": 3, "b": 1.5, "c": 1000000})
    ]


def test_a_diff_tells_what_is_added_changed_and_removed() -> None:
    old = "a: 1\nkind: A\nmetadata: {name: x}\n---\nkind: B\nmetadata: {name: gone}\n"
    new = "kind: A\nmetadata: {name: x}\na: 2\n---\nkind: C\nmetadata: {name: new}\n"
    changes = {change.name: change for change in diff_manifests(old, new)}
    assert {name: change.verb for name, change in changes.items()} == {"x": "change", "new": "add", "gone": "remove"}
    assert "-a: 1" in changes["x"].lines
    assert "+a: 2" in changes["x"].lines
