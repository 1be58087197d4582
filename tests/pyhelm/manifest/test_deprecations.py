"""What became of an API version at a Kubernetes version."""

from __future__ import annotations

import pytest

from pyhelm.manifest.lifecycle import deprecation, minor_of, retired, rows


def test_removed_and_deprecated_are_told_apart() -> None:
    found = retired("policy/v1beta1", "PodDisruptionBudget", "v1.25.0")
    assert found is not None
    assert (found[0].instead, found[1]) == ("policy/v1 PodDisruptionBudget", True)
    found = retired("policy/v1beta1", "PodDisruptionBudget", "v1.24.3")
    assert found is not None
    assert not found[1]


def test_current_versions_and_other_kinds_are_fine() -> None:
    assert retired("policy/v1beta1", "PodDisruptionBudget", "v1.20.0") is None
    assert retired("apps/v1", "Deployment", "v1.36.0") is None
    assert retired("extensions/v1beta1", "Gadget", "v1.36.0") is None


def test_every_row_is_deprecated_before_it_is_removed() -> None:
    assert all(row.removed == 0 or row.deprecated <= row.removed for row in rows())


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no version of Kubernetes"):
        minor_of("latest")


def test_what_the_guide_alone_knows_is_no_warning_of_the_types() -> None:
    found = retired("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "v1.30.0")
    assert found is not None
    assert (found[0].instead, found[1]) == ("apiextensions.k8s.io/v1 CustomResourceDefinition", True)
    assert deprecation("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", (1, 30)) == ""


def test_the_guide_names_a_replacement_where_the_types_do_not() -> None:
    found = retired("node.k8s.io/v1beta1", "RuntimeClass", "1.25")
    assert found is not None
    assert found[0].instead == "node.k8s.io/v1 RuntimeClass"
    assert "; use" not in deprecation("node.k8s.io/v1beta1", "RuntimeClass", (1, 25))


def test_a_replacement_that_is_no_kind_is_a_phrase() -> None:
    found = retired("policy/v1beta1", "PodSecurityPolicy", "1.25")
    assert found is not None
    assert found[0].instead == "Pod Security Admission"
