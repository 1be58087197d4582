"""A release's whole life against a real API server."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from live_cluster import Live

from pyhelm.release.record import decode, encode
from pyhelm.release.status import Status

# Nothing runs controllers in these tests: a Deployment never becomes ready.
NEVER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: c, image: i}]}
"""


CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.acme.io}
spec:
  group: acme.io
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def put(live: Live, path: str, body: dict[str, Any]) -> None:
    head = {"Authorization": "Bearer admin", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{live.url}{path}", json.dumps(body).encode(), head, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def get(live: Live, path: str) -> dict[str, Any] | None:
    request = urllib.request.Request(f"{live.url}{path}", headers={"Authorization": "Bearer admin"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError:
        return None


def config_map(live: Live, name: str) -> dict[str, Any] | None:
    return get(live, f"/api/v1/namespaces/default/configmaps/{name}")


def test_install_upgrade_rollback_uninstall(live: Live, chart: Path) -> None:
    out = live.ok("install", "a", str(chart), "--env", "dev")
    assert "STATUS: deployed\nREVISION: 1\nDESCRIPTION: Install complete\n" in out
    assert out.endswith("NOTES:\na says from dev\n")
    made = config_map(live, "a-one")
    assert made is not None
    assert made["data"]["text"] == "from dev"
    assert made["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert config_map(live, "a-hook") is None, "the hook's object goes when it has succeeded"

    out = live.ok("upgrade", "a", str(chart), "--set", "two=true,text=second")
    assert out.startswith('Release "a" has been upgraded. Happy Helming!\n')
    assert config_map(live, "a-two") is not None

    assert live.ok("rollback", "a") == "Rollback was a success! Happy Helming!\n"
    assert config_map(live, "a-two") is None, "what only the newer revision had is pruned"
    back = config_map(live, "a-one")
    assert back is not None
    assert back["data"] == {"text": "from dev", "revision": "1"}

    history = json.loads(live.ok("history", "a", "-o", "json"))
    assert [(h["revision"], h["status"], h["description"]) for h in history] == [
        (1, "superseded", "Install complete"),
        (2, "superseded", "Upgrade complete"),
        (3, "deployed", "Rollback to 1"),
    ]
    assert live.ok("uninstall", "a", "--wait") == 'release "a" uninstalled\n'
    assert config_map(live, "a-one") is None
    assert json.loads(live.ok("list", "-o", "json")) == []


def test_the_cluster_is_named_on_stderr_alone(live: Live, chart: Path) -> None:
    outcome = live.run("list", "-o", "json")
    assert outcome.err == f"cluster: context test ({live.url})\n"
    assert json.loads(outcome.out) == []
    assert live.run("list", "--quiet").err == ""
    twice = live.run("upgrade", "a", str(chart), "--install", "-o", "json")
    assert twice.err.count("cluster: ") == 1
    assert json.loads(twice.out)["info"]["status"] == "deployed"


def test_records_are_secrets_in_helms_form(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart), "--labels", "team=x")
    secret = get(live, "/api/v1/namespaces/default/secrets/sh.helm.release.v1.a.v1")
    assert secret is not None
    assert secret["type"] == "helm.sh/release.v1"
    labels = secret["metadata"]["labels"]
    assert {k: labels[k] for k in ("name", "owner", "status", "version", "team")} == {
        "name": "a",
        "owner": "helm",
        "status": "deployed",
        "version": "1",
        "team": "x",
    }
    assert live.ok("list", "-q", "-l", "team=x") == "a\n"
    assert live.ok("list", "-q", "-l", "team=y") == ""


def test_a_name_is_taken_once(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart))
    outcome = live.run("install", "a", str(chart))
    assert outcome.code == 1
    assert outcome.err.endswith(
        "Error: INSTALLATION FAILED: release name check failed: cannot reuse a name that is still in use\n"
    )


def test_another_releases_object_is_not_taken_over(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart))
    twin = chart.parent / "twin"
    twin.mkdir()
    (twin / "templates").mkdir()
    (twin / "Chart.yaml").write_text("apiVersion: v2\nname: twin\nversion: 1.0.0\n")
    (twin / "templates" / "x.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a-one\n")
    outcome = live.run("install", "b", str(twin))
    assert outcome.code == 1
    assert 'ConfigMap "a-one" in namespace "default" exists and cannot be imported' in outcome.err
    assert json.loads(live.ok("list", "-o", "json"))[0]["name"] == "a"
    live.ok("install", "b", str(twin), "--take-ownership")


def test_a_dry_run_changes_nothing(live: Live, chart: Path) -> None:
    out = live.ok("install", "a", str(chart), "--dry-run=server")
    assert "STATUS: pending-install" in out
    assert "# Source: demo/templates/one.yaml" in out
    assert live.ok("list", "-q") == ""
    assert config_map(live, "a-one") is None


def test_a_fault_of_the_manifest_is_named_before_anything_is_sent(live: Live, chart: Path) -> None:
    (chart / "templates" / "bad.yaml").write_text(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\nspec:\n  ports:\n  - prot: 80\n"
    )
    outcome = live.run("install", "a", str(chart))
    assert outcome.code == 1
    place = "demo/templates/bad.yaml: Service/s: spec.ports[0].prot: "
    assert f'{place}unknown field "prot", did you mean "port"?' in outcome.err
    assert live.ok("list", "-q") == ""
    assert config_map(live, "a-one") is None


def test_upgrade_of_what_is_not_there(live: Live, chart: Path) -> None:
    outcome = live.run("upgrade", "a", str(chart))
    assert outcome.err.endswith('Error: UPGRADE FAILED: "a" has no deployed releases\n')
    out = live.ok("upgrade", "a", str(chart), "--install")
    assert out.startswith('Release "a" does not exist. Installing it now.\nNAME: a\n')


def test_values_are_reused_as_asked(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart), "--set", "text=mine")
    live.ok("upgrade", "a", str(chart))
    assert json.loads(live.ok("get", "values", "a", "-o", "json")) == {"text": "mine"}
    live.ok("upgrade", "a", str(chart), "--reuse-values", "--set", "two=true")
    assert json.loads(live.ok("get", "values", "a", "-o", "json")) == {"text": "mine", "two": True}
    live.ok("upgrade", "a", str(chart), "--reset-values")
    assert live.ok("get", "values", "a", "-o", "json") == "null\n"
    assert json.loads(live.ok("get", "values", "a", "-a", "-o", "json")) == {"text": "hello", "two": False}


def test_an_install_that_never_gets_ready_fails_with_the_reason(live: Live, chart: Path) -> None:
    (chart / "templates" / "never.yaml").write_text(NEVER)
    outcome = live.run("install", "a", str(chart), "--wait", "--timeout", "300ms")
    assert outcome.code == 1
    assert "resource Deployment/default/d not ready. status: InProgress, message: 0 of 1 replicas made" in outcome.err
    assert "resources ready: 1/2 (Deployment/d: 0 of 1 replicas made)" in outcome.err
    assert json.loads(live.ok("list", "-o", "json"))[0]["status"] == "failed"


def test_rollback_on_failure_leaves_nothing(live: Live, chart: Path) -> None:
    (chart / "templates" / "never.yaml").write_text(NEVER)
    outcome = live.run("install", "a", str(chart), "--rollback-on-failure", "--timeout", "300ms")
    assert outcome.code == 1
    assert "has been uninstalled due to rollback-on-failure being set" in outcome.err
    assert live.ok("list", "-q") == ""
    assert config_map(live, "a-one") is None


def test_status_shows_the_objects(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart))
    out = live.ok("status", "a")
    assert "==> v1/ConfigMap\nNAME    DATA   AGE\na-one   2 " in out


def test_a_kept_object_survives(live: Live, chart: Path) -> None:
    (chart / "templates" / "kept.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations: {helm.sh/resource-policy: keep}\n"
    )
    live.ok("install", "a", str(chart))
    out = live.ok("uninstall", "a", "--keep-history")
    assert out.startswith("These resources were kept due to the resource policy:\n[ConfigMap] kept\n")
    assert config_map(live, "kept") is not None
    assert json.loads(live.ok("list", "-o", "json"))[0]["status"] == "uninstalled"


def test_a_diff_shows_what_an_upgrade_would_change(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart))
    outcome = live.run("diff", "a", str(chart), "--set", "text=new", "--detailed-exitcode")
    assert outcome.code == 2
    assert "-  text: hello" in outcome.out
    assert "+  text: new" in outcome.out


def test_an_interrupted_install_is_recorded_as_failed(live: Live, chart: Path) -> None:
    (chart / "templates" / "never.yaml").write_text(NEVER)
    argv = [sys.executable, "-m", "pyhelm", "install", "a", str(chart), "--wait", "--timeout", "60s"]
    environ = {**live.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[3])}
    # A suite started in the background of a shell hands on that SIGINT is to be ignored.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes: Any = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    with subprocess.Popen(argv, env=environ, **pipes, text=True, preexec_fn=heeding) as process:
        assert process.stderr is not None
        while "resources ready" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    (release,) = json.loads(live.ok("list", "-o", "json"))
    assert release["status"] == "failed"
    assert "context canceled" in json.loads(live.ok("history", "a", "-o", "json"))[0]["description"]


def test_an_upgrade_waits_for_nobody_who_is_at_work(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart))
    path = "/api/v1/namespaces/default/secrets/sh.helm.release.v1.a.v1"
    stored = get(live, path)
    assert stored is not None
    record = decode(base64.b64decode(stored["data"]["release"]).decode())
    record.info.status = Status.PENDING_UPGRADE
    stored["data"]["release"] = base64.b64encode(encode(record).encode()).decode()
    put(live, path, stored)
    outcome = live.run("upgrade", "a", str(chart))
    assert outcome.err.endswith("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n")


def test_definitions_of_the_chart_are_there_before_what_needs_them(live: Live, chart: Path) -> None:
    (chart / "crds").mkdir()
    (chart / "crds" / "widgets.yaml").write_text(CRD)
    (chart / "templates" / "widget.yaml").write_text("apiVersion: acme.io/v1\nkind: Widget\nmetadata:\n  name: w\n")
    live.ok("install", "a", str(chart))
    assert get(live, "/apis/acme.io/v1/namespaces/default/widgets/w") is not None
    live.ok("uninstall", "a")
    assert get(live, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.acme.io") is not None


def test_an_unknown_kind_is_refused_before_anything_is_sent(live: Live, chart: Path) -> None:
    (chart / "templates" / "widget.yaml").write_text("apiVersion: acme.io/v1\nkind: Widget\nmetadata:\n  name: w\n")
    outcome = live.run("install", "a", str(chart))
    assert outcome.code == 1
    assert 'no matches for kind "Widget" in version "acme.io/v1"\nensure CRDs are installed first' in outcome.err
    assert live.ok("list", "-q") == ""


def test_lookup_sees_the_cluster(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart))
    (chart / "templates" / "one.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-one\ndata:\n"
        '  seen: {{ (lookup "v1" "ConfigMap" .Release.Namespace "a-one").data.text | quote }}\n'
    )
    live.ok("upgrade", "a", str(chart))
    changed = config_map(live, "a-one")
    assert changed is not None
    assert changed["data"] == {"seen": "hello"}


def test_a_namespace_is_made_when_asked_for(live: Live, chart: Path) -> None:
    outcome = live.run("install", "a", str(chart), "-n", "fresh")
    assert outcome.code == 1
    assert 'namespaces "fresh" not found' in outcome.err
    live.ok("install", "a", str(chart), "-n", "fresh", "--create-namespace")
    assert live.ok("list", "-q", "-n", "fresh") == "a\n"
    assert live.ok("list", "-q") == ""
    assert live.ok("list", "-q", "-A") == "a\n"


def test_a_server_that_is_not_there_is_one_clear_error(live: Live, chart: Path) -> None:
    outcome = live.run("install", "a", str(chart), "--kube-apiserver", "http://127.0.0.1:1")
    assert outcome.code == 1
    assert outcome.err.endswith(
        'kubernetes cluster unreachable: Get "http://127.0.0.1:1/version": '
        "dial tcp 127.0.0.1:1: connect: connection refused\n"
    )


def test_a_release_whose_kind_is_served_no_more_can_still_be_upgraded_and_removed(live: Live, chart: Path) -> None:
    live.ok("install", "a", str(chart))
    path = "/api/v1/namespaces/default/secrets/sh.helm.release.v1.a.v1"
    stored = get(live, path)
    assert stored is not None
    record = decode(base64.b64decode(stored["data"]["release"]).decode())
    record.manifest += "---\n# Source: demo/templates/old.yaml\napiVersion: old.io/v1\nkind: Old\nmetadata: {name: o}\n"
    stored["data"]["release"] = base64.b64encode(encode(record).encode()).decode()
    put(live, path, stored)
    outcome = live.run("upgrade", "a", str(chart))
    assert outcome.code == 0, outcome.err
    assert "its kind is served no more" in outcome.err
    live.ok("rollback", "a", "--dry-run")
    live.ok("uninstall", "a")
