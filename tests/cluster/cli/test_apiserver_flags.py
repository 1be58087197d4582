"""Settings of the API server: how they are read, refused, kept and shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cluster.apiserver.options import ApiServerOptions
from cluster.cli import places
from cluster.cli.apiserver_flags import FLAGS, listing, parse_given
from cluster.cli.apiserver_options import options_of
from cluster.cli.places import Place, Refused
from cluster.cli.settings import kept_in, merged, shown
from cluster.cli.start import StartOptions, start

POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n"


def test_every_flag_sets_an_option_that_exists_and_says_what_it_does() -> None:
    known = set(ApiServerOptions.__dataclass_fields__)
    assert {flag.option for flag in FLAGS if flag.option} <= known
    assert all(flag.help for flag in FLAGS)
    assert [flag.name for flag in FLAGS] == sorted({flag.name for flag in FLAGS})
    assert all(flag.name in listing() for flag in FLAGS)


def test_values_become_options() -> None:
    settings = parse_given(["apiserver.anonymous-auth=false", "apiserver.service-node-port-range=31000-31010"])
    assert options_of(settings) == {"anonymous": False, "node_ports": (31000, 31010)}


def test_files_are_kept_by_their_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens.csv").write_text("t,u,1\n")
    monkeypatch.chdir(tmp_path)
    assert parse_given(["apiserver.token-auth-file=tokens.csv"]) == {"token-auth-file": [str(tmp_path / "tokens.csv")]}


def test_the_last_of_two_counts_and_an_empty_value_takes_back() -> None:
    given = parse_given(["apiserver.anonymous-auth=true", "apiserver.anonymous-auth=false"])
    assert given == {"anonymous-auth": ["false"]}
    kept = merged(given, parse_given(["apiserver.service-account-issuer=https://me"]))
    assert kept == {"anonymous-auth": ["false"], "service-account-issuer": ["https://me"]}
    assert merged(kept, parse_given(["apiserver.anonymous-auth="])) == {"service-account-issuer": ["https://me"]}
    assert kept_in({"extra_config": {"apiserver": kept}}) == kept
    assert shown(kept) == {"anonymous-auth": "false", "service-account-issuer": "https://me"}


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("apiserver.anonymus-auth=true", "did you mean apiserver.anonymous-auth?"),
        ("apiserver.zzz=true", "apiserver.zzz is no setting of this API server; `start --help` lists"),
        ("kubelet.max-pods=3", "only the API server can be configured"),
        ("apiserver.anonymous-auth", "give it as apiserver.KEY=VALUE"),
        ("apiserver.anonymous-auth=maybe", "apiserver.anonymous-auth: 'maybe' is neither true nor false"),
        ("apiserver.token-auth-file=/nowhere/at/all", "cannot read /nowhere/at/all: No such file"),
        ("apiserver.audit-log-path=/nowhere/log", "the directory /nowhere does not exist"),
        ("apiserver.service-node-port-range=9-3", "is not a range of ports"),
        ("apiserver.audit-log-maxsize=-1", "'-1' is not a number"),
    ],
)
def test_what_cannot_be_is_refused_by_name(word: str, says: str) -> None:
    with pytest.raises(Refused, match=r"^[^\n]*$") as refused:
        parse_given([word])
    assert says in str(refused.value)


def test_audit_settings_make_one_option(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    words = [f"apiserver.audit-policy-file={tmp_path}/policy.yaml", f"apiserver.audit-log-path={tmp_path}/log"]
    audit = options_of(parse_given([*words, "apiserver.audit-log-maxsize=1"]))["audit"]
    assert (audit.log.path, audit.log.most_bytes, audit.log.most_backups) == (tmp_path / "log", 1 << 20, 100)
    assert audit.webhook is None
    with pytest.raises(Refused, match=r"apiserver\.audit-policy-file needs apiserver\.audit-log-path or"):
        options_of(parse_given(words[:1]))
    with pytest.raises(Refused, match=r"apiserver\.audit-webhook-mode needs apiserver\.audit-webhook-config-file too"):
        options_of(parse_given([*words, "apiserver.audit-webhook-mode=batch"]))


def test_flow_control_and_time_limits_are_set_by_their_flags() -> None:
    words = ("max-requests-inflight=7", "enable-priority-and-fairness=false", "request-timeout=1m30s")
    options = options_of(parse_given([f"apiserver.{word}" for word in (*words, "min-request-timeout=60")]))
    assert options == {
        "requests_inflight": 7,
        "priority_and_fairness": False,
        "request_timeout": 90.0,
        "min_request_timeout": 60.0,
    }


def test_a_file_with_keys_must_be_private_and_its_faults_have_file_and_field(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_text(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n"
        "resources: [{resources: [secrets], providers: [{kms: {name: x}}]}]\n"
    )
    path.chmod(0o644)
    word = f"apiserver.encryption-provider-config={path}"
    with pytest.raises(Refused, match="holds keys and is open to others; `chmod 600"):
        parse_given([word])
    path.chmod(0o600)
    with pytest.raises(Refused, match=r"encryption\.yaml: resources\[0\]\.providers\[0\]\.kms: Forbidden"):
        options_of(parse_given([word]))
    path.write_text(path.read_text().replace("kms: {name: x}", "identity: {}"))
    assert options_of(parse_given([word])).keys() == {"encryption"}


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("rules: [", r"policy\.yaml:1:9: "),
        ("a: 1\na: 2\n", r"policy\.yaml:2:1: 'a' is given twice"),
        ("- 1\n", r"policy\.yaml: expected a mapping"),
        (POLICY.replace("Metadata", "All"), r"policy\.yaml: rules\[0\]\.level: 'All' is none of"),
    ],
)
def test_a_bad_file_is_refused_before_anything_is_made(tmp_path: Path, policy: str, says: str) -> None:
    (tmp_path / "policy.yaml").write_text(policy)
    words = [f"apiserver.audit-policy-file={tmp_path}/policy.yaml", f"apiserver.audit-log-path={tmp_path}/log"]
    place = Place("p", tmp_path / "state", tmp_path / "clusters" / "p.location")
    environ = {"HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "kubeconfig")}
    with pytest.raises(Refused, match=says):
        start(place, StartOptions(apiserver=parse_given(words)), environ)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["policy.yaml"]


def test_a_running_cluster_with_other_settings_must_be_stopped_first(tmp_path: Path) -> None:
    place = Place("p", tmp_path / "state", tmp_path / "p.location")
    place.state.mkdir()
    places.write_json(place.config, {"port": 1, "extra_config": {"apiserver": {"anonymous-auth": ["false"]}}})
    held = places.hold(place.lock)
    assert held is not None
    options = StartOptions(context=False, apiserver=parse_given(["apiserver.anonymous-auth=true"]))
    with pytest.raises(Refused, match=r"stop it first to change apiserver\.anonymous-auth"):
        start(place, options, {"HOME": str(tmp_path)})
    same = StartOptions(context=False, apiserver=parse_given(["apiserver.anonymous-auth=false"]))
    assert start(place, same, {"HOME": str(tmp_path)}).fresh is False
    os.close(held)
