"""Splitting, ordering and telling hooks apart."""

from __future__ import annotations

import pytest

from pyhelm.errors import ManifestError
from pyhelm.manifest.documents import arrange, manifest_text, source_of, split
from pyhelm.manifest.hooks import execution_order, hook_weight
from pyhelm.manifest.order import INSTALL_ORDER, UNINSTALL_ORDER, by_install_order, by_uninstall_order


def document(kind: str, name: str, **annotations: str) -> str:
    notes = "".join(f'    "{key.replace("_", "-")}": "{value}"\n' for key, value in annotations.items())
    head = f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
    return head + (f"  annotations:\n{notes}" if notes else "")


def test_documents_are_trimmed_and_blank_ones_dropped() -> None:
    assert split("\n---\na: 1\n\n---  \nb: 2 \n---\n") == ["a: 1", "b: 2"]


def test_a_separator_inside_a_line_is_no_separator() -> None:
    assert split("a: x---y\nb: '---'\n") == ["a: x---y\nb: '---'"]


def test_kinds_decide_the_order_and_files_within_a_kind() -> None:
    files = {
        "c/templates/z.yaml": document("Deployment", "z"),
        "c/templates/b.yaml": document("Service", "b") + "---\n" + document("Service", "a"),
        "c/templates/a.yaml": document("Widget", "w") + "---\n" + document("Namespace", "ns"),
    }
    found = [(d.kind, d.name) for d in arrange(files).documents]
    assert found == [("Namespace", "ns"), ("Service", "b"), ("Service", "a"), ("Deployment", "z"), ("Widget", "w")]


def test_unknown_kinds_come_last_by_name_in_both_directions() -> None:
    kinds = ["Zoo", "Pod", "Ant"]
    assert by_install_order(kinds, str) == ["Pod", "Ant", "Zoo"]
    assert by_uninstall_order(kinds, str) == ["Pod", "Ant", "Zoo"]
    assert tuple(reversed(INSTALL_ORDER)) == UNINSTALL_ORDER


def test_partials_and_blank_files_are_left_out() -> None:
    assert arrange({"c/templates/_h.tpl": "a: 1", "c/templates/e.yaml": " \n"}).documents == []


def test_hooks_are_kept_apart_and_unknown_ones_dropped() -> None:
    text = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: {}\n"
    found = arrange(
        {
            "c/templates/a.yaml": text.format("pre-install, TEST-success"),
            "c/templates/b.yaml": text.format("crd-install"),
        }
    )
    assert [hook.events for hook in found.hooks] == [("pre-install", "test")]
    assert found.unknown_hooks == ["crd-install"]
    assert found.documents == []


def test_hooks_run_by_weight_then_by_name() -> None:
    text = "kind: Job\nmetadata:\n  name: {}\n  annotations: {{helm.sh/hook: test, helm.sh/hook-weight: '{}'}}\n"
    files = {f"c/templates/{n}.yaml": text.format(n, w) for n, w in (("b", "1"), ("a", "1"), ("c", "-2"), ("d", "x"))}
    assert [hook.name for hook in execution_order(arrange(files).hooks, "test")] == ["c", "d", "a", "b"]


@pytest.mark.parametrize(("text", "weight"), [("5", 5), ("-3", -3), ("+1", 1), ("1.5", 0), ("", 0), ("0x1", 0)])
def test_weights_are_decimal_integers(text: str, weight: int) -> None:
    assert hook_weight(text) == weight


def test_a_document_that_is_no_yaml_names_its_file() -> None:
    with pytest.raises(ManifestError, match=r"YAML parse error on c/templates/a.yaml: .*did not find expected"):
        arrange({"c/templates/a.yaml": "a: [\n"})


def test_a_manifest_names_the_template_of_each_document() -> None:
    text = manifest_text(arrange({"c/templates/a.yaml": document("Pod", "p")}).documents)
    assert text.startswith("---\n# Source: c/templates/a.yaml\napiVersion: v1\n")
    assert source_of(text) == "templates/a.yaml"
