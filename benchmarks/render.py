"""CPU seconds of whole `pyhelm template` processes, one a chart, with a warm cache of compiled templates.

    python benchmarks/render.py CHARTS [--only NAME]… [--runs N] [--chance] [--forget]

CHARTS holds <repo>/<chart> folders. Helm 4.1's figures on such a machine, with random and key generation replaced:
start (`version`) 0.052, nginx 0.07, redis 0.10, wordpress 0.10, airflow 0.19, harbor 0.21, kube-prometheus 0.18,
kube-prometheus-stack 0.25; in one process 0.049 a chart. `--in-process` renders all charts in this process instead,
and `--functions` prints where the time of that goes. Random and key generation is replaced here, too (by
benchmarks/replaced.py, as the recorded corpus has it), for making RSA keys would hide the rest; `--chance` leaves it.
`--forget` takes away what earlier runs remember of YAML and schemas, as if every chart had new values; compiled
templates stay.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def child_seconds(command: list[str], environ: dict[str, str]) -> float:
    """User and system CPU time of one finished child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.decode()[-400:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processes(charts: list[Path], runs: int, chance: bool, forget: bool) -> None:
    """One process a chart: the best of `runs` after one that fills the cache."""
    total = 0.0
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home, "HELM_DATA_HOME": home}
        # An installed package has its byte code; without it every start would compile the package anew.
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        environ["PYTHONPYCACHEPREFIX"] = f"{home}/bytecode"
        start = [sys.executable, "-m", "pyhelm"]
        print(f"version: {min(child_seconds([*start, 'version'], environ) for _ in range(3)):.3f}")
        if not chance:
            start = [sys.executable, str(Path(__file__).with_name("replaced.py"))]
        for chart in charts:
            command = [*start, "template", "rel", str(chart)]
            child_seconds(command, environ)
            best = float("inf")
            for _ in range(runs):
                if forget:
                    shutil.rmtree(f"{home}/pyhelm/parsed", ignore_errors=True)
                best = min(best, child_seconds(command, environ))
            total += best
            print(f"{chart.parent.name}/{chart.name}: {best:.3f}", flush=True)
    print(f"{len(charts)} charts: {total:.2f} CPU s, {total / max(len(charts), 1):.3f} each")


def in_process(charts: list[Path], profile: bool) -> None:
    """All charts in this process, twice; the second time counts."""
    from pyhelm.testing.corpus import template_output

    with tempfile.TemporaryDirectory() as cache:
        for chart in charts:
            template_output(chart, None, Path(cache))
        profiler = cProfile.Profile()
        if profile:
            profiler.enable()
        start = time.process_time()
        for chart in charts:
            template_output(chart, None, Path(cache))
        spent = time.process_time() - start
        profiler.disable()
    print(f"{len(charts)} charts: {spent:.2f} CPU s, {spent / max(len(charts), 1):.4f} each")
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("charts", type=Path)
    parser.add_argument("--only", action="append")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--in-process", action="store_true")
    parser.add_argument("--functions", action="store_true")
    parser.add_argument("--chance", action="store_true", help="make real keys and random texts")
    parser.add_argument("--forget", action="store_true", help="as if all values were new")
    options = parser.parse_args()
    charts = sorted(path.parent for path in options.charts.glob("*/*/Chart.yaml"))
    if options.only:
        charts = [chart for chart in charts if chart.name in options.only]
    if options.in_process or options.functions:
        in_process(charts, options.functions)
    else:
        processes(charts, options.runs, options.chance, options.forget)


if __name__ == "__main__":
    main()
