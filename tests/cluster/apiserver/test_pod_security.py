"""The Pod Security Standards, and the plugins that judge pods at admission."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.admission.plugins.pod_security import policy_of
from cluster.apiserver.admission.plugins.pod_security_levels import complaints
from cluster.apiserver.server import ApiServer
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionResource, Obj

PODS, NAMESPACES = GroupVersionResource("", "v1", "pods"), GroupVersionResource("", "v1", "namespaces")
ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")
CLASSES = GroupVersionResource("node.k8s.io", "v1", "runtimeclasses")
QUOTAS = GroupVersionResource("", "v1", "resourcequotas")
GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {"name": "c", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    ],
}
CASES: list[tuple[dict[str, Any], str]] = [
    ({"hostNetwork": True, "hostPID": True}, "host namespaces (hostNetwork=true, hostPID=true)"),
    ({"volumes": [{"name": "v", "hostPath": {}}]}, 'hostPath volumes (volume "v")'),
    (
        {"securityContext": {"sysctls": [{"name": "kernel.msgmax"}]}},
        "forbidden sysctls (kernel.msgmax)",
    ),
    (
        {"containers": [{"name": n, "ports": [{"hostPort": p}]} for n, p in (("a", 80), ("b", 81))]},
        'hostPort (containers "a", "b" use hostPorts 80, 81)',
    ),
    (
        {"containers": [{"name": "c", "securityContext": {"capabilities": {"add": ["SYS_ADMIN", "CHOWN"]}}}]},
        'non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
    ),
    (
        {"containers": [{"name": "c", "securityContext": {"appArmorProfile": {"type": "Unconfined"}}}]},
        'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ),
]


@pytest.mark.parametrize(("spec", "text"), CASES)
def test_baseline_says_who_did_what(spec: dict[str, Any], text: str) -> None:
    found = complaints("baseline", None, {}, {"containers": [], **spec})
    assert [f"{c.reason} ({c.detail})" for c in found] == [text]


def test_a_good_pod_passes_restricted_and_a_plain_one_does_not() -> None:
    assert complaints("restricted", None, {}, GOOD) == []
    found = complaints("restricted", None, {}, {"containers": [{"name": "c"}]})
    assert [c.reason for c in found] == [
        "allowPrivilegeEscalation != false",
        "unrestricted capabilities",
        "runAsNonRoot != true",
        "seccompProfile",
    ]


def test_older_versions_lack_newer_checks() -> None:
    spec = {"containers": [{"name": "c", "livenessProbe": {"httpGet": {"host": "1.2.3.4"}}}]}
    assert complaints("baseline", 33, {}, spec) == []
    assert len(complaints("baseline", 34, {}, spec)) == 1


@pytest.mark.parametrize(
    ("minor", "reasons"),
    [
        (0, ["runAsNonRoot != true"]),
        (8, ["allowPrivilegeEscalation != false", "runAsNonRoot != true"]),
        (19, ["allowPrivilegeEscalation != false", "runAsNonRoot != true", "seccompProfile"]),
        (22, ["allowPrivilegeEscalation != false", "unrestricted capabilities", "runAsNonRoot != true",
              "seccompProfile"]),
    ],
)  # fmt: skip
def test_restricted_grew_version_by_version(minor: int, reasons: list[str]) -> None:
    found = complaints("restricted", minor, {}, {"containers": [{"name": "c"}]})
    assert [c.reason for c in found] == reasons


def test_windows_is_excused_since_1_25() -> None:
    spec = {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": True}, "containers": [{"name": "c"}]}
    assert len(complaints("restricted", 24, {}, spec)) == 3
    assert complaints("restricted", 25, {}, spec) == []


def test_what_may_be_set_grew_too() -> None:
    spec = {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}, "containers": []}
    assert [len(complaints("baseline", minor, {}, spec)) for minor in (31, 32)] == [1, 0]
    spec = {"securityContext": {"seLinuxOptions": {"type": "container_engine_t"}}, "containers": []}
    assert [len(complaints("baseline", minor, {}, spec)) for minor in (30, 31)] == [1, 0]


def test_annotations_are_quoted_as_they_stand() -> None:
    key = "container.apparmor.security.beta.kubernetes.io/c"
    (found,) = complaints("baseline", None, {"annotations": {key: "unconfined"}}, {"containers": [{"name": "c"}]})
    assert found.detail == f'annotation must not set AppArmor profile type to "{key}="unconfined""'


def test_a_misspelt_level_is_a_fault_and_counts_as_the_strictest() -> None:
    policy, faults = policy_of({"pod-security.kubernetes.io/enforce": "strict"}, "enforce")
    assert (policy.level, len(faults)) == ("restricted", 1)


def pod(name: str, **spec: Any) -> Obj:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}


async def ready(server: ApiServer, **labels: str) -> None:
    made = await server.client().get(NAMESPACES, "default")
    held = {**made["metadata"]["labels"], **{f"pod-security.kubernetes.io/{k}": v for k, v in labels.items()}}
    await server.client().update(NAMESPACES, {**made, "metadata": {**made["metadata"], "labels": held}})
    await server.client().create(ACCOUNTS, {"metadata": {"name": "default"}}, "default")


async def test_enforced_levels_refuse_pods(server: ApiServer) -> None:
    await ready(server, enforce="baseline")
    await server.client().create(PODS, pod("plain"), "default")
    with pytest.raises(StatusError, match='violates PodSecurity "baseline:latest": host namespaces'):
        await server.client().create(PODS, pod("net", hostNetwork=True), "default")


async def test_runtime_classes_bring_overhead_and_selectors(server: ApiServer) -> None:
    await ready(server)
    scheduling = {"nodeSelector": {"rt": "x"}, "tolerations": [{"key": "rt", "operator": "Exists"}]}
    given = {"metadata": {"name": "rc"}, "handler": "h", "overhead": {"podFixed": {"cpu": "10m"}}}
    await server.client().create(CLASSES, given | {"scheduling": scheduling})
    made = await server.client().create(PODS, pod("a", runtimeClassName="rc"), "default")
    assert made["spec"]["overhead"] == {"cpu": "10m"}
    assert made["spec"]["nodeSelector"] == {"rt": "x"}
    with pytest.raises(StatusError, match=r"conflict: runtimeClass\.scheduling\.nodeSelector"):
        await server.client().create(PODS, pod("b", runtimeClassName="rc", nodeSelector={"rt": "y"}), "default")
    with pytest.raises(StatusError, match='RuntimeClass "none" not found'):
        await server.client().create(PODS, pod("c", runtimeClassName="none"), "default")


async def test_a_refused_pod_whose_name_is_to_be_generated_goes_by_its_prefix(server: ApiServer) -> None:
    await ready(server)
    nameless = {**pod("", serviceAccountName="none"), "metadata": {"generateName": "w-"}}
    with pytest.raises(StatusError, match=r'^pods "w-" is forbidden: error looking up service account default/none: '):
        await server.client().create(PODS, nameless, "default")


async def test_a_quota_limits_once_the_controller_has_taken_it_up(server: ApiServer) -> None:
    await ready(server)
    client = server.client()
    given = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
    quota = clone(await client.create(QUOTAS, given, "default"))
    await client.create(PODS, pod("a"), "default")
    quota["status"] = {"hard": {"pods": "1"}, "used": {"pods": "1"}}
    await client.update(QUOTAS, quota, subresource="status")
    with pytest.raises(StatusError, match="exceeded quota: q"):
        await client.create(PODS, pod("b"), "default")
