"""[sig-apps], as far as no pod must run: cron jobs, disruption budgets, a controller's conditions."""

from __future__ import annotations

from typing import Any

from conformance_api import STRATEGIC, Api, Operations, conforms, eventually, pod, unique

Obj = dict[str, Any]
BATCH, POLICY = "batch/v1", "policy/v1"


def _cron_job(**spec: Any) -> Obj:
    template = {"spec": {"template": {"spec": {**pod("x")["spec"], "restartPolicy": "OnFailure"}}}}
    return {"spec": {"schedule": "0 0 1 1 *", "jobTemplate": template, **spec}}


@conforms("[sig-apps] CronJob should support CronJob API operations")
def test_cron_job_operations(api: Api) -> None:
    def status(obj: Obj) -> None:
        obj["status"] = {"lastScheduleTime": "2025-02-02T00:00:00Z"}

    patched = {"lastScheduleTime": "2025-01-01T00:00:00Z"}

    def make() -> Obj:
        return _cron_job(suspend=True)

    Operations(api, BATCH, "cronjobs", make, namespaced=True, status=patched, status_body=status).run()


@conforms("[sig-apps] CronJob should not schedule jobs when suspended [Slow]")
def test_cron_job_suspended(api: Api) -> None:
    """Both jobs have missed a time; the one that is not suspended shows that the controller has looked."""
    start = {"metadata": {"name": "busy"}, **_cron_job(schedule="*/1 * * * *")}
    held = {"metadata": {"name": "suspended"}, **_cron_job(schedule="*/1 * * * *", suspend=True)}
    where = api.group(BATCH, "cronjobs")
    api.post(where, held, 201)
    api.post(where, start, 201)
    past = {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}}
    for name in ("suspended", "busy"):
        api.patch(f"{where}/{name}/status", past)
    # The next time of a schedule by minutes is at most a minute off: a missed one is made up at once.
    jobs = eventually(lambda: api.items(api.group(BATCH, "jobs")), bool, 5)
    assert {job["metadata"]["ownerReferences"][0]["name"] for job in jobs} == {"busy"}
    assert not api.get(f"{where}/suspended")["status"].get("active")
    for name in ("suspended", "busy"):
        api.delete(f"{where}/{name}")
        api.gone(f"{where}/{name}")


def _budget(name: str, minimum: Any) -> Obj:
    selector = {"matchLabels": {"foo": "bar"}}
    return {
        "metadata": {"name": name, "labels": {"e2e-pdb": "yes"}},
        "spec": {"minAvailable": minimum, "selector": selector},
    }


@conforms("[sig-apps] DisruptionController should create a PodDisruptionBudget")
def test_budget(api: Api) -> None:
    where = api.group(POLICY, "poddisruptionbudgets")
    api.post(where, _budget("default", "1%"), 201)

    def processed() -> Obj:
        return dict(api.get(f"{where}/default"))

    eventually(processed, lambda b: (b.get("status") or {}).get("observedGeneration") == 1)

    def two(budget: Obj) -> None:
        budget["spec"]["minAvailable"] = "2%"

    assert api.change(f"{where}/default", two)["spec"]["minAvailable"] == "2%"
    eventually(processed, lambda b: b["status"].get("observedGeneration") == b["metadata"]["generation"] == 2)
    seen = api.patch(f"{where}/default", {"spec": {"minAvailable": "3%"}}, mime=STRATEGIC)
    assert seen["spec"]["minAvailable"] == "3%"
    eventually(processed, lambda b: b["status"].get("observedGeneration") == b["metadata"]["generation"] == 3)
    api.delete(f"{where}/default")
    api.gone(f"{where}/default")


@conforms(
    "[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a"
    " collection of PodDisruptionBudgets"
)
def test_budgets_everywhere(api: Api) -> None:
    other = unique("other")
    api.post("/api/v1/namespaces", {"metadata": {"name": other}}, 201)
    where = api.group(POLICY, "poddisruptionbudgets")
    elsewhere = f"/apis/{POLICY}/namespaces/{other}/poddisruptionbudgets"
    for path, name in ((where, "foo"), (where, "foo2"), (elsewhere, "foo")):
        api.post(path, _budget(name, 1), 201)
    everywhere = f"/apis/{POLICY}/poddisruptionbudgets"
    assert len(api.items(everywhere, labelSelector="e2e-pdb=yes")) == 3
    assert len(api.items(where)) == 2
    api.delete(where)
    eventually(lambda: api.items(where), lambda items: not items)
    assert len(api.items(everywhere, labelSelector="e2e-pdb=yes")) == 1
    api.delete(f"/api/v1/namespaces/{other}")


@conforms("[sig-apps] ReplicationController should surface a failure condition on a common issue like exceeded quota")
def test_replica_failure(api: Api) -> None:
    api.post(api.core("resourcequotas"), {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}}, 201)
    eventually(lambda: api.get(api.core("resourcequotas", "q")), lambda q: (q.get("status") or {}).get("hard"))
    template = {"metadata": {"labels": {"name": "rc"}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 3, "selector": {"name": "rc"}, "template": template}
    api.post(api.core("replicationcontrollers"), {"metadata": {"name": "rc"}, "spec": spec}, 201)
    path = api.core("replicationcontrollers", "rc")

    def failure() -> list[str]:
        conditions = (api.get(path).get("status") or {}).get("conditions") or []
        return [one["status"] for one in conditions if one["type"] == "ReplicaFailure"]

    eventually(failure, lambda found: found == ["True"])

    def two(rc: Obj) -> None:
        rc["spec"]["replicas"] = 2

    api.change(path, two)
    eventually(failure, lambda found: not found)
