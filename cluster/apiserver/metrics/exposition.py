"""The text format of Prometheus, version 0.0.4."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cluster.apiserver.metrics.series import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name, type and help, the names of its labels, and its values by the values of those."""

    name: str
    type: str
    help: str
    labels: tuple[str, ...] = ()
    values: Mapping[Labels, float | Histogram] | Iterable[tuple[Labels, float | Histogram]] = ()

    def samples(self) -> Iterable[tuple[Labels, float | Histogram]]:
        found = self.values.items() if isinstance(self.values, Mapping) else self.values
        return sorted(found, key=lambda sample: sample[0])


def text_of(families: Iterable[Family]) -> str:
    """All that have a value, by name."""
    out: list[str] = []
    for family in sorted(families, key=lambda family: family.name):
        samples = list(family.samples())
        if samples:
            out += (f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.type}")
            for values, value in samples:
                out += _lines(family.name, _pairs(family.labels, values), value)
    return "\n".join(out) + "\n" if out else ""


def _lines(name: str, pairs: list[str], value: float | Histogram) -> Iterator[str]:
    if not isinstance(value, Histogram):
        yield f"{name}{_braced(pairs)} {number(value)}"
        return
    reached = 0
    for bound, count in zip((*value.bounds, math.inf), value.counts, strict=True):
        reached += count
        at = f'le="{number(bound)}"'
        yield f"{name}_bucket{_braced([*pairs, at])} {reached}"
    yield f"{name}_sum{_braced(pairs)} {number(value.sum)}"
    yield f"{name}_count{_braced(pairs)} {reached}"


def _pairs(names: Sequence[str], values: Labels) -> list[str]:
    return sorted(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))


def _braced(pairs: list[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value: float) -> str:
    """As Go prints it: the shortest digits, with an exponent from 1e+06 on and below 1e-04."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    from decimal import Decimal

    exact = Decimal(repr(value)).normalize()
    if not exact:
        return "0"
    if -4 <= exact.adjusted() < 6:
        return f"{exact:f}"
    mantissa, _, exponent = f"{exact:e}".partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:]:0>2}"
