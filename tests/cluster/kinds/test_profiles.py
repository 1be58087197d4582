"""Annotations of AppArmor and seccomp beside the fields that took their place."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.kinds.podspec.profiles import APPARMOR, SECCOMP, adopt_apparmor, seccomp_agrees
from cluster.meta.field import Path


def pod(annotation: str, **spec: Any) -> dict[str, Any]:
    meta = {"annotations": {f"{APPARMOR}c": annotation}}
    return {"metadata": meta, "spec": {"containers": [{"name": "c"}], **spec}}


@pytest.mark.parametrize(
    ("annotation", "profile"),
    [
        ("unconfined", {"type": "Unconfined"}),
        ("runtime/default", {"type": "RuntimeDefault"}),
        ("localhost/p", {"type": "Localhost", "localhostProfile": "p"}),
        ("localhost/", None),
        ("else", None),
    ],
)
def test_an_apparmor_annotation_becomes_the_field_with_a_warning(annotation: str, profile: Any) -> None:
    made = pod(annotation)
    (warning,) = adopt_apparmor(made)
    assert "deprecated since v1.30" in warning
    assert made["spec"]["containers"][0].get("securityContext", {}).get("appArmorProfile") == profile


def test_a_field_that_is_there_is_kept_in_silence() -> None:
    made = pod("unconfined", containers=[{"name": "c", "securityContext": {"appArmorProfile": {"type": "Localhost"}}}])
    assert adopt_apparmor(made) == []
    shared = pod("unconfined", securityContext={"appArmorProfile": {"type": "Unconfined"}})
    assert adopt_apparmor(shared) == []
    assert "securityContext" not in shared["spec"]["containers"][0]


def test_seccomp_annotation_and_field_must_say_the_same() -> None:
    spec = {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}
    assert seccomp_agrees(Path("spec"), {SECCOMP: "docker/default"}, spec) == []
    (fault,) = seccomp_agrees(Path("spec"), {SECCOMP: "unconfined"}, spec)
    assert str(fault.path) == "spec.securityContext.seccompProfile.type"
