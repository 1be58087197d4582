"""`pyhelm cluster …` (also `python -m cluster …`): start, stop, status, delete, list, logs, kubeconfig.

Each command imports what it needs when it runs. Errors are one line, `Error: …`, and exit code 1; the codes of
`status` stand in its module.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cluster.cli import places
from cluster.cli.places import Place, Refused

_DEFAULT_NAME = "pyhelm"
_SETTINGS = "settings of the API server"


def run(argv: Sequence[str], prog: str = "pyhelm cluster") -> int:
    """Run one command; answers the exit code."""
    if argv and argv[0] == "kubectl":
        return _kubectl(argv[1:])
    arguments = _parser(prog).parse_args(argv)
    try:
        place = places.find(arguments.name, getattr(arguments, "state", ""), os.environ)
        code: int = arguments.command(place, arguments)
        return code
    except Refused as refusal:
        print(f"Error: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="The bundled Kubernetes cluster.", allow_abbrev=False)
    shared = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    shared.add_argument("--name", default=_DEFAULT_NAME, help="which cluster (default: %(default)s)")
    shared.add_argument(
        "--state", default="", metavar="DIR", help="where it keeps its files (default: the user's data directory)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=[shared], allow_abbrev=False)
        made.set_defaults(command=function)
        return made

    _add_start(add("start", _start, "start the cluster and make it the current context"))
    for name, function, text in (
        ("stop", _stop, "end the cluster and its workloads; its state is kept"),
        ("delete", _delete, "stop the cluster and remove everything it kept"),
    ):
        add(name, function, text).add_argument(
            "--timeout", type=_seconds, default=60.0, metavar="TIME", help="how long to wait (default: 60s)"
        )
    _add_output(add("status", _status, "show whether it runs; exit code 0 running, 1 partly, 3 stopped, 4 absent"))
    _add_output(add("list", _list, "list the clusters of this user"))
    logs = add("logs", _logs, "show the log of the cluster's process")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until interrupted")
    logs.add_argument("--tail", type=int, default=-1, metavar="N", help="only the last N lines")
    _add_snapshot(commands, shared)
    add("kubeconfig", _kubeconfig, "print a kubeconfig for this cluster alone")
    return parser


class _WithSettings(argparse.RawDescriptionHelpFormatter):
    """Puts the table of settings in the place of its name; nothing but the help needs it in words."""

    def add_text(self, text: str | None) -> None:
        if text == _SETTINGS:
            from cluster.cli.apiserver_flags import listing

            text = listing()
        super().add_text(text)


def _add_start(parser: argparse.ArgumentParser) -> None:
    from cluster.cli.ladder import RUNTIMES
    from cluster.cli.storages import KINDS

    parser.formatter_class = _WithSettings
    parser.epilog = _SETTINGS
    parser.add_argument(
        "--port", type=_port, default=0, help="of the API server on 127.0.0.1 (default: 6443, or a free one)"
    )
    parser.add_argument(
        "--runtime", choices=RUNTIMES, default="", help="what runs containers (default: the best this machine has)"
    )
    parser.add_argument("--storage", choices=KINDS, default="", help="what keeps the state (default: sqlite, one file)")
    parser.add_argument(
        "--etcd-servers", type=_urls, default=(), metavar="URL[,URL]",
        help="the etcd to use; without it --storage etcd starts one of its own",
    )  # fmt: skip
    parser.add_argument(
        "--join", default="", metavar="NAME|DIR",
        help="be one more API server of a cluster that has --storage etcd, with nodes of its own",
    )  # fmt: skip
    parser.add_argument("--kubernetes-version", default="", metavar="X.Y", help="which API to serve")
    parser.add_argument("--nodes", type=_count, default=0, metavar="N", help="number of nodes (simulated runtime)")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=60.0,
        metavar="TIME",
        help="how long to wait until it is ready (default: 60s)",
    )
    parser.add_argument(
        "--extra-config", action="append", default=[], metavar="apiserver.KEY=VALUE",
        help="a setting of the API server, by kube-apiserver's name for it; kept for later starts, an empty VALUE "
        "takes it back; may be repeated",
    )  # fmt: skip
    parser.add_argument("--wait", action="store_true", help="wait until it is ready, which start always does")
    parser.add_argument("--no-context", action="store_true", help="leave the kubeconfig alone")


def _add_snapshot(commands: Any, shared: argparse.ArgumentParser) -> None:
    from cluster.cli.storages import KINDS

    text = "save the cluster's state in a file, restore it, or look at such a file"
    below = commands.add_parser("snapshot", help=text, description=text, allow_abbrev=False)
    verbs = below.add_subparsers(required=True, metavar="COMMAND")
    for name, function, about in (
        ("save", _snapshot_save, "write the state, as it is at one moment, to FILE; the cluster may run"),
        ("restore", _snapshot_restore, "make FILE the state of a cluster that is stopped, or of a new one"),
        ("status", _snapshot_status, "check FILE and show what is in it"),
    ):
        made = verbs.add_parser(name, help=about, description=about, parents=[shared], allow_abbrev=False)
        made.add_argument("file", metavar="FILE")
        made.set_defaults(command=function)
        if name == "restore":
            made.add_argument("--storage", choices=KINDS, default="", help="of a new cluster (default: sqlite)")
            made.add_argument("--etcd-servers", type=_urls, default=(), metavar="URL[,URL]", help="of a new cluster")
            made.add_argument(
                "--bump-revision", type=int, default=1_000_000_000, metavar="N",
                help="how far revisions go on after the snapshot's (default: %(default)s)",
            )  # fmt: skip
        if name == "status":
            made.add_argument("-w", "--write-out", choices=("simple", "table", "json"), default="simple")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=("table", "json", "yaml"), default="table")


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port number")
    return int(text)


def _urls(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _count(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 250:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 250")
    return int(text)


def _seconds(text: str) -> float:
    """`90`, `90s`, `2m`, `1m30s`."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text)
    if not text or found is None:
        raise argparse.ArgumentTypeError(f"{text} is not a time such as 90s or 2m")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


# -- commands --------------------------------------------------------------------------------------------------


def _start(place: Place, arguments: argparse.Namespace) -> int:
    from cluster.cli.start import StartOptions, start
    from cluster.cli.storages import Wish

    if arguments.nodes > 1 and arguments.runtime != "simulated":
        raise Refused("more than one node needs --runtime simulated")
    options = StartOptions(
        port=arguments.port,
        runtime=arguments.runtime,
        version=arguments.kubernetes_version,
        nodes=arguments.nodes,
        timeout=arguments.timeout,
        context=not arguments.no_context,
        join=arguments.join,
        storage=Wish(arguments.storage, arguments.etcd_servers),
        apiserver=_given(arguments.extra_config),
    )
    started = start(place, options, os.environ)
    if not started.fresh:
        print(f"Cluster {place.name} is already running at {started.server}")
        return 0
    print(f"Cluster {place.name} runs at {started.server}, runtime {started.runtime}: {started.why}.")
    if options.context:
        print(f"Context {place.name} is now the current one of {started.kubeconfig}.")
    return 0


def _given(words: Sequence[str]) -> dict[str, list[str]]:
    if not words:
        return {}
    from cluster.cli.apiserver_flags import parse_given

    return parse_given(words)


def _stop(place: Place, arguments: argparse.Namespace) -> int:
    from cluster.cli.end import stop

    if not place.exists():
        raise Refused(f"there is no cluster {place.name}")
    print(f"Cluster {place.name} {'is stopped' if stop(place, os.environ, arguments.timeout) else 'was not running'}")
    return 0


def _delete(place: Place, arguments: argparse.Namespace) -> int:
    from cluster.cli.end import delete

    found = delete(place, os.environ, arguments.timeout)
    print(f"Cluster {place.name} is deleted" if found else f"There is no cluster {place.name}")
    return 0


def _status(place: Place, arguments: argparse.Namespace) -> int:
    from cluster.cli.status import inspect, table

    code, told = inspect(place, os.environ)
    _print(told, arguments.output, table(told))
    return code


def _list(place: Place, arguments: argparse.Namespace) -> int:
    found = []
    for each in places.every(os.environ):
        config = places.read_json(each.config)
        alive = places.running(each)
        found.append(
            {
                "name": each.name,
                "state": "Running" if alive else "Stopped",
                "server": f"https://127.0.0.1:{config.get('port')}" if alive else "",
                "runtime": config.get("runtime"),
                "directory": str(each.state),
            }
        )
    lines = ["\t".join(("NAME", "STATE", "RUNTIME", "SERVER", "DIRECTORY"))]
    lines += ["\t".join(str(f[k] or "-") for k in ("name", "state", "runtime", "server", "directory")) for f in found]
    _print(found, arguments.output, _aligned(lines))
    return 0


def _aligned(lines: list[str]) -> str:
    rows = [line.split("\t") for line in lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("   ".join(f"{cell:<{w}}" for cell, w in zip(row, widths)).rstrip() for row in rows)


def _print(value: Any, output: str, table: str) -> None:
    if output == "json":
        print(json.dumps(value, indent=2))
    elif output == "yaml":
        import yaml

        print(yaml.safe_dump(value, sort_keys=False), end="")
    else:
        print(table)


def _logs(place: Place, arguments: argparse.Namespace) -> int:
    import time

    try:
        file = place.log.open("r", errors="replace")
    except OSError as error:
        raise Refused(f"there is no cluster {place.name}") from error
    with file:
        lines = file.readlines()
        shown = lines if arguments.tail < 0 else lines[max(len(lines) - arguments.tail, 0) :]
        sys.stdout.write("".join(shown))
        sys.stdout.flush()
        while arguments.follow:
            line = file.readline()
            if line:
                print(line, end="", flush=True)
            elif not places.running(place):
                return 0
            else:
                time.sleep(0.2)
    return 0


def _snapshot_save(place: Place, arguments: argparse.Namespace) -> int:
    from cluster.cli.snapshot import save

    save(place, Path(arguments.file))
    print(f"Snapshot saved at {arguments.file}")
    return 0


def _snapshot_restore(place: Place, arguments: argparse.Namespace) -> int:
    from cluster.cli.snapshot import restore
    from cluster.cli.storages import Wish

    if arguments.bump_revision < 1:
        raise Refused("--bump-revision must be at least 1, or watches would go on where the state has changed")
    wish = Wish(arguments.storage, arguments.etcd_servers)
    found = restore(place, Path(arguments.file), wish, arguments.bump_revision, os.environ)
    print(f"Cluster {place.name} has the {len(found.records)} objects of {arguments.file}; start it to use them")
    return 0


def _snapshot_status(place: Place, arguments: argparse.Namespace) -> int:
    from cluster.cli.snapshot import read, table

    path = Path(arguments.file)
    print(table(path, read(path), arguments.write_out))
    return 0


def _kubectl(words: Sequence[str]) -> int:
    """The kubectl of this machine, on the bundled cluster."""
    import shutil

    place = places.find(_DEFAULT_NAME, "", os.environ)
    found = shutil.which("kubectl")
    if found is None:
        print("Error: there is no kubectl on this machine's PATH; install one to use it here", file=sys.stderr)
        return 1
    if not place.kubeconfig.exists():
        print(f"Error: there is no cluster {place.name}; start it with `pyhelm cluster start`", file=sys.stderr)
        return 1
    sys.stdout.flush()
    os.execve(found, [found, *words], {**os.environ, "KUBECONFIG": str(place.kubeconfig)})


def _kubeconfig(place: Place, arguments: argparse.Namespace) -> int:
    try:
        print(place.kubeconfig.read_text(), end="")
    except OSError as error:
        raise Refused(f"there is no cluster {place.name}; start it first") from error
    return 0
