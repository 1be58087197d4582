"""Replaying recorded scenarios against a cluster: `python -m cluster.testing.vectors FILE.jsonl…`.

Each line of a file is one scenario. The API ones (steps of requests) run against a fresh API server with a memory
store, or against `--server URL`. Recorded values that differ from run to run are placeholders: a numbered one takes
the value of its first sight and must meet the same value afterwards. Prints the failing ids with the first
difference, and last `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import re
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

NUMBERED = re.compile(r"<(?:uid|rv|clusterIP|nodePort|continue|hash|podIP|rand|minutes)-\d+>")
ANY_OF = {
    "<token>": r"eyJ[\w.-]+",
    "<time>": r".*?",
    "<age>": r"\S+(?: ago)?",
    "<rand>": r"[a-z0-9]{5}",
    "<rv>": r"\d+",
    "<rv-list>": r"\d+",
    "<pem>": r"[\s\S]+",
    "<pem-base64>": r"[A-Za-z0-9+/=]+",
    "<server>": r"\S+?",
    "<hash>": r"[0-9A-Fa-f]+",
    "<audit-id>": r"\S+",
}
PLACEHOLDER = re.compile("|".join([NUMBERED.pattern, *map(re.escape, ANY_OF)]))
TOKEN_USERS = {
    "admin": ("admin", "admin", ("system:masters",)),
    "alice-token": ("alice", "alice-uid", ()),
    "bob-token": ("bob", "bob-uid", ("devs", "qa")),
    "carol-token": ("carol", "carol-uid", ("ops",)),
}
Bindings = dict[str, str]
Difference = tuple[str, Any, Any]
_DERIVED = ("response is", "selected")


def text_matches(expected: str, actual: str, bound: Bindings) -> bool:
    """Whether a text with placeholders is the actual one; binds those seen for the first time. Ages of years are
    those of fixed dates and grow from the day of the recording on."""
    expected = re.sub(r"\b\d+y\d+d\b", "<age>", expected)
    if expected == actual or not PLACEHOLDER.search(expected):
        return expected == actual
    fresh: list[str] = []
    pattern, position = "", 0
    for found in PLACEHOLDER.finditer(expected):
        pattern += re.escape(expected[position : found.start()])
        position = found.end()
        pattern += _pattern(found.group(0), bound, fresh)
    matched = re.fullmatch(pattern + re.escape(expected[position:]), actual, re.DOTALL)
    if matched is None:
        return False
    for at, name in enumerate(fresh):
        bound[name] = matched.group(f"g{at}")
    if expected in ("<token>", "kube-api-access-<rand>"):
        bound.setdefault(expected, actual)
        if expected != "<token>":
            bound[expected] = actual
    return True


def _pattern(placeholder: str, bound: Bindings, fresh: list[str]) -> str:
    if placeholder in ANY_OF:
        return f"(?:{ANY_OF[placeholder]})"
    if placeholder in bound:
        return re.escape(bound[placeholder])
    if placeholder in fresh:
        return f"(?P=g{fresh.index(placeholder)})"
    fresh.append(placeholder)
    return f"(?P<g{len(fresh) - 1}>.+?)"


def difference(expected: Any, actual: Any, bound: Bindings, path: str = "") -> Difference | None:
    """The first place where two JSON values differ, as (path, expected, actual)."""
    if isinstance(expected, str) and not isinstance(actual, str | dict | list) and PLACEHOLDER.fullmatch(expected):
        actual = str(actual)
    if isinstance(expected, str) and isinstance(actual, str):
        return None if text_matches(expected, actual, bound) else (path, expected, actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _map_difference(expected, actual, bound, path)
    if isinstance(expected, list) and isinstance(actual, list):
        return _list_difference(expected, actual, bound, path)
    return None if expected == actual and type(expected) is type(actual) else (path, expected, actual)


def _map_difference(expected: dict[str, Any], actual: dict[str, Any], bound: Bindings, path: str) -> Difference | None:
    used: set[str] = set(IGNORED)
    for key, value in expected.items():
        if key in IGNORED:
            continue
        name: str | None = key if key in actual else _same_key(key, expected, actual, bound)
        if name is None:
            return (f"{path}/{key}", value, "(absent)")
        used.add(name)
        found = difference(value, actual[name], bound, f"{path}/{key}")
        if found is not None:
            return found
    for key in actual:
        if key not in used:
            return (f"{path}/{key}", "(absent)", actual[key])
    return None


def _same_key(key: str, expected: dict[str, Any], actual: dict[str, Any], bound: Bindings) -> str | None:
    if not PLACEHOLDER.search(key):
        return None
    return next((k for k in actual if k not in expected and text_matches(key, k, dict(bound))), None)


def _list_difference(expected: list[Any], actual: list[Any], bound: Bindings, path: str) -> Difference | None:
    if len(expected) != len(actual):
        return (
            path,
            f"length {len(expected)}: {_short(expected)}",
            f"length {len(actual)}: {_short(actual)}",
        )
    for at, (one, other) in enumerate(zip(expected, actual, strict=True)):
        found = difference(one, other, bound, f"{path}/{at}")
        if found is not None:
            return found
    return None


def substitute(value: Any, bound: Bindings) -> Any:
    """A recorded request with the values bound so far."""
    if isinstance(value, dict):
        return {substitute(k, bound): substitute(v, bound) for k, v in value.items()}
    if isinstance(value, list):
        return [substitute(v, bound) for v in value]
    if not isinstance(value, str):
        return value
    if value in bound and value.startswith("<nodePort-"):
        return int(bound[value])
    for name in ("<token>", "kube-api-access-<rand>"):
        if name in bound:
            value = value.replace(name, bound[name])
    return NUMBERED.sub(lambda m: bound.get(m.group(0), m.group(0)), value)


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes
    warnings: list[str]


class HttpDoor:
    """Requests to a server by URL, over one kept connection."""

    def __init__(self, url: str, token: str = "") -> None:
        self._parts = urlsplit(url)
        self._connection: http.client.HTTPConnection | None = None
        self._token = token

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        for attempt in range(2):
            try:
                connection = self._open()
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                return Answer(response.status, response.read(), response.headers.get_all("Warning") or [])
            except (OSError, http.client.HTTPException):
                self.close()
                if attempt:
                    raise
        raise AssertionError("unreachable")

    def _open(self) -> http.client.HTTPConnection:
        if self._connection is None:
            where = self._parts.netloc
            if self._parts.scheme == "https":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                self._connection = http.client.HTTPSConnection(where, timeout=70, context=context)
            else:
                self._connection = http.client.HTTPConnection(where, timeout=70)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@dataclass(slots=True)
class Verdict:
    """`failures` are (step, difference)."""

    id: str
    group: str
    failures: list[tuple[int, Difference]] = field(default_factory=list)


def run_scenario(scenario: dict[str, Any], door: HttpDoor) -> Verdict:
    """All steps in order; steps recorded as unstable may differ."""
    bound: Bindings = {}
    verdict = Verdict(scenario["id"], scenario.get("group", ""))
    unstable = scenario.get("unstable") or []
    for at, step in enumerate(scenario["steps"]):
        found = run_step(step, bound, door)
        if found is not None and at not in unstable:
            verdict.failures.append((at, found))
    return verdict


IGNORED: set[str] = set()
"""Fields left out of the comparison on both sides."""


def run_step(step: dict[str, Any], bound: Bindings, door: HttpDoor) -> Difference | None:
    if step.get("sleepBefore"):
        time.sleep(min(float(step["sleepBefore"]), 0.2))
    method, path, headers, body = request_of(step, bound)
    answer = door.send(method, path, headers, body)
    found = _compare(step, answer, bound)
    if found is None and (step.get("warnings") or []) != answer.warnings:
        return ("warnings", step.get("warnings"), answer.warnings)
    return found


def request_of(step: dict[str, Any], bound: Bindings) -> tuple[str, str, dict[str, str], bytes | None]:
    """Method, path with query, headers and body of a step."""
    headers = {"User-Agent": "golden/1.0 (linux/amd64)", "Accept": "application/json"}
    token = step.get("token", "admin")
    if token is not None:
        headers["Authorization"] = f"Bearer {substitute(token, bound)}"
    body = substitute(step.get("body"), bound)
    data = None
    if body is not None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    headers.update(step.get("headers") or {})
    query, path = substitute(step.get("query"), bound), substitute(step["path"], bound)
    if query:
        pairs = list(query.items()) if isinstance(query, dict) else [tuple(pair) for pair in query]
        path += "?" + urlencode(pairs, doseq=True)
    return step["method"], path, headers, data


def _compare(step: dict[str, Any], answer: Answer, bound: Bindings) -> Difference | None:
    if answer.status != step["status"] and not (step.get("setup") and answer.status == 409):
        return (
            "status",
            f"{step['status']} {_short(step.get('response'))}",
            f"{answer.status} {answer.body[:300]!r}",
        )
    if "frames" in step:
        frames = [json.loads(line) for line in answer.body.splitlines() if line.strip()]
        return difference(step["frames"], frames, bound, "frames")
    expected = step.get("response")
    derived = (step.get("note") or "").startswith(_DERIVED)
    if "response" not in step or derived or expected == {"__created__": True} or step["method"] == "HEAD":
        return None
    return difference(expected, _decoded(answer.body, expected), bound, "response")


def _decoded(body: bytes, expected: Any) -> Any:
    text = body.decode("utf8", "replace")
    if isinstance(expected, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _short(value: Any) -> str:
    return json.dumps(value)[:260]


@contextmanager
def fresh_api_server() -> Iterator[str]:
    """An API server alone, with a memory store, in a thread; its URL."""
    ready: threading.Event = threading.Event()
    place: dict[str, Any] = {}

    def serve() -> None:
        asyncio.run(_serve(place, ready))

    thread = threading.Thread(target=serve, name="vectors-apiserver")
    thread.start()
    ready.wait(30)
    if "url" not in place:
        thread.join()
        raise RuntimeError(f"the API server did not start: {place.get('failure')}")
    try:
        yield place["url"]
    finally:
        place["loop"].call_soon_threadsafe(place["stop"].set)
        thread.join()


async def _serve(place: dict[str, Any], ready: threading.Event) -> None:
    from cluster.apiserver.options import ApiServerOptions
    from cluster.apiserver.request import UserInfo
    from cluster.apiserver.server import ApiServer
    from cluster.storage.memory import MemoryStore

    place["loop"], place["stop"] = asyncio.get_running_loop(), asyncio.Event()
    store = MemoryStore()
    tokens = {token: UserInfo(*user) for token, user in TOKEN_USERS.items()}
    with tempfile.TemporaryDirectory() as folder:
        server = ApiServer(store, ApiServerOptions(tokens=tokens, signing_key=_signing_key(Path(folder))))
        await _serve_until_told(server, place, ready)
    await store.close()


def _signing_key(folder: Path) -> Path:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = folder / "sa.key"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


async def _serve_until_told(server: Any, place: dict[str, Any], ready: threading.Event) -> None:
    try:
        await server.start()
        place["url"] = server.url
    except Exception as error:
        place["failure"] = repr(error)
        raise
    finally:
        ready.set()
    await place["stop"].wait()
    await server.stop()


def replay(paths: list[Path], server: str, only: str, verbose: bool) -> int:
    """Print what differs; the number of failures."""
    everything = [s for path in paths for s in _read(path)]
    scenarios = [s for s in everything if not only or re.search(only, s["id"])]
    actions = [s for s in scenarios if _is_controllers(s)]
    commands = [s for s in scenarios if _is_kubectl(s)]
    scenarios = [s for s in scenarios if not _is_controllers(s) and not _is_kubectl(s)]
    unknown = [s for s in scenarios if not _is_api(s)]
    if unknown:
        raise SystemExit(f"{unknown[0]['id']}: this kind of scenario needs a cluster and is not replayed here")
    groups: dict[str, list[int]] = {}
    for scenario, faults in _controllers(actions, everything):
        groups.setdefault(scenario["group"], [0, 0])[bool(faults)] += 1
        for fault in faults if verbose else faults[:1]:
            print(f"{scenario['id']} {fault}")
    for scenario, faults in _kubectl(commands):
        groups.setdefault(scenario["session"], [0, 0])[bool(faults)] += 1
        for fault in faults if verbose else faults[:1]:
            print(f"{scenario['id']} {' '.join(scenario['argv'])}\n    {fault}")
    with _door(server) if scenarios else nullcontext(None) as door:
        for scenario in scenarios:
            assert door is not None
            verdict = run_scenario(scenario, door)
            counts = groups.setdefault(verdict.group, [0, 0])
            counts[bool(verdict.failures)] += 1
            _report(verdict, verbose)
    for name, (passed, failed) in groups.items():
        print(f"  {name}: {passed} passed, {failed} failed")
    failures = sum(failed for _, failed in groups.values())
    print(f"{sum(passed for passed, _ in groups.values())} passed, {failures} failed")
    return failures


@contextmanager
def _door(server: str) -> Iterator[HttpDoor]:
    if server:
        door = HttpDoor(server)
        yield door
        door.close()
        return
    with fresh_api_server() as url:
        door = HttpDoor(url)
        try:
            yield door
        finally:
            door.close()


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _is_api(scenario: dict[str, Any]) -> bool:
    return all("method" in step and "action" not in step for step in scenario.get("steps", [{}]))


def _is_controllers(scenario: dict[str, Any]) -> bool:
    return any("action" in step for step in scenario.get("steps", ()))


def _is_kubectl(scenario: dict[str, Any]) -> bool:
    return "argv" in scenario


def _kubectl(scenarios: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[str]]]:
    """Sessions of kubectl bring their own clusters; none of them is run where that kubectl is absent."""
    if not scenarios:
        return []
    from cluster.testing.kubectl_vectors import find_kubectl, run_all

    if not find_kubectl():
        print(f"{len(scenarios)} kubectl commands skipped: no kubectl 1.32 on PATH")
        return []
    return run_all(scenarios)


def _controllers(
    scenarios: list[dict[str, Any]], everything: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Controller scenarios bring their own cluster, on a virtual clock."""
    if scenarios:
        from cluster.testing.controller_vectors import run_all

        yield from run_all(scenarios, earlier=[s for s in everything if _is_controllers(s)])


def _report(verdict: Verdict, verbose: bool) -> None:
    for step, (path, expected, actual) in verdict.failures if verbose else verdict.failures[:1]:
        print(f"{verdict.id} step {step} {path}\n    expected {str(expected)[:300]}\n    got      {str(actual)[:300]}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m cluster.testing.vectors", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--server", default="", help="URL of a running API server instead of a fresh one")
    parser.add_argument("--only", default="", metavar="REGEX", help="only scenarios whose id matches")
    parser.add_argument("-v", "--verbose", action="store_true", help="every difference, not only the first")
    parser.add_argument("--no-managed-fields", action="store_true", help="leave managedFields out of the comparison")
    options = parser.parse_args(arguments)
    if options.no_managed_fields:
        IGNORED.add("managedFields")
    return 1 if replay(options.files, options.server, options.only, options.verbose) else 0


if __name__ == "__main__":
    sys.exit(main())
