"""How long admission takes: each plugin, and each of the two steps."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.apiserver.metrics.exposition import Family
from cluster.apiserver.metrics.series import Histogram

ADMIT, VALIDATE = "admit", "validate"
_SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_FIRST = _SECONDS[0]


class Times:
    """Of one plugin, or one step, at one operation: of what was let through, and of what was refused."""

    __slots__ = ("passed", "refused")

    def __init__(self) -> None:
        self.passed, self.refused = Histogram(_SECONDS), Histogram(_SECONDS)

    def took(self, seconds: float) -> None:
        passed = self.passed
        if seconds <= _FIRST:
            # Nearly always; and there are a dozen of these in a write.
            passed.counts[0] += 1
            passed.sum += seconds
        else:
            passed.observe(seconds)


class AdmissionTimes:
    def __init__(self) -> None:
        self._plugins: dict[tuple[str, str, str], Times] = {}
        self._steps: dict[tuple[str, str], Times] = {}

    def of_plugin(self, name: str, operation: str, type: str) -> Times:
        return self._plugins.setdefault((name, operation, type), Times())

    def of_step(self, operation: str, type: str) -> Times:
        return self._steps.setdefault((operation, type), Times())

    def families(self) -> Iterator[Family]:
        plugins = [
            ((name, operation, rejected, type), held)
            for (name, operation, type), times in self._plugins.items()
            for rejected, held in _both(times)
        ]
        yield Family(
            "apiserver_admission_controller_admission_duration_seconds", "histogram",
            "[STABLE] Admission controller latency histogram in seconds, identified by name and broken out for each "
            "operation and API resource and type (validate or admit).",
            ("name", "operation", "rejected", "type"), plugins,
        )  # fmt: skip
        steps = [
            ((operation, rejected, type), held)
            for (operation, type), times in self._steps.items()
            for rejected, held in _both(times)
        ]
        yield Family(
            "apiserver_admission_step_admission_duration_seconds", "histogram",
            "[STABLE] Admission sub-step latency histogram in seconds, broken out for each operation and API resource "
            "and step type (validate or admit).", ("operation", "rejected", "type"), steps,
        )  # fmt: skip


def _both(times: Times) -> Iterator[tuple[str, Histogram]]:
    for rejected, held in (("false", times.passed), ("true", times.refused)):
        if held.count:
            yield rejected, held
