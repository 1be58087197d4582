"""Release records, both ways, and what may become of a release."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pyhelm.errors import ReleaseError
from pyhelm.manifest.hooks import Hook, HookRun
from pyhelm.release.model import Info, Release, check_name
from pyhelm.release.record import decode, encode, key
from pyhelm.release.status import Status, may_follow
from pyhelm.release.times import ansic, format_time, go_string, parse_time


def release() -> Release:
    return Release(
        name="web",
        namespace="prod",
        version=3,
        info=Info("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.6Z", "", "Install complete", Status.DEPLOYED, "hi"),
        chart={"metadata": {"name": "c", "version": "1.0.0"}, "templates": [], "values": {"n": 1.0}, "files": []},
        config={"replicas": 3.0, "text": "<a>"},
        manifest="---\n# Source: c/templates/a.yaml\na: 1\n",
        hooks=[Hook("h", "Job", "c/templates/h.yaml", "k: v", ("test",), 2, last_run=HookRun("2026-01-02T03:04:05Z"))],
        labels={"team": "a"},
        apply_method="ssa",
    )


def test_a_record_survives_both_ways() -> None:
    assert decode(encode(release()), {"team": "a"}) == release()


def test_a_record_is_gzipped_json_with_helms_names() -> None:
    data = json.loads(gzip.decompress(base64.b64decode(encode(release()))))
    assert list(data) == [
        "name", "info", "chart", "config", "manifest", "hooks", "version", "namespace", "apply_method",
    ]  # fmt: skip
    assert data["info"]["status"] == "deployed"
    assert "deleted" not in data["info"]
    assert data["hooks"][0]["last_run"] == {"started_at": "2026-01-02T03:04:05Z", "phase": ""}


def test_whole_numbers_are_written_as_go_writes_them() -> None:
    text = gzip.decompress(base64.b64decode(encode(release()))).decode()
    assert '"config":{"replicas":3,"text":"\\u003ca\\u003e"}' in text


def test_records_of_helm_three_are_read() -> None:
    body = {
        "name": "old",
        "info": {"first_deployed": "2020-01-01T00:00:00.123456789+02:00", "deleted": "", "status": "superseded"},
        "chart": {"metadata": {"name": "c", "version": "1"}},
        "hooks": [{"name": "h", "last_run": {"started_at": "0001-01-01T00:00:00Z"}}],
        "version": 1,
        "namespace": "n",
    }
    found = decode(base64.b64encode(json.dumps(body).encode()).decode())
    assert found.status is Status.SUPERSEDED
    assert found.apply_method == ""
    assert found.hooks[0].last_run.started_at == ""


def test_a_broken_record_is_refused() -> None:
    with pytest.raises(ReleaseError, match="cannot be decoded"):
        decode("no base64!")


def test_the_key_is_helms() -> None:
    assert key("web", 3) == "sh.helm.release.v1.web.v3"


@pytest.mark.parametrize("name", ["", "Bad_Name", "a" * 54, "-a", "a-", "a..b", "a\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ReleaseError):
        check_name(name)


def test_good_names_pass() -> None:
    for name in ("a", "a.b-c", "9", "a" * 53):
        check_name(name)


def test_a_failed_revision_is_never_deployed_again() -> None:
    assert not may_follow(Status.FAILED, Status.DEPLOYED)
    assert may_follow(Status.PENDING_UPGRADE, Status.DEPLOYED)
    with pytest.raises(ReleaseError, match="cannot become deployed"):
        Release("a", "b", info=Info(status=Status.UNINSTALLED)).moved(Status.DEPLOYED, "")


def test_times_print_as_go_prints_them() -> None:
    assert go_string("2026-01-02T03:04:05.120000001Z") == "2026-01-02 03:04:05.120000001 +0000 UTC"
    assert go_string("2026-01-02T03:04:05+02:00") == "2026-01-02 03:04:05 +0200 +0200"
    assert ansic("2026-01-02T03:04:05Z") == "Fri Jan  2 03:04:05 2026"
    assert parse_time("0001-01-01T00:00:00Z") is None


def test_times_are_written_without_trailing_zeros() -> None:
    assert format_time(datetime(2026, 1, 2, 3, 4, 5, 120000, UTC)) == "2026-01-02T03:04:05.12Z"
    west = timezone(timedelta(hours=-3, minutes=-30))
    assert format_time(datetime(2026, 1, 2, 3, 4, 5, 0, west)) == "2026-01-02T03:04:05-03:30"
