"""Compiling preserves meaning: generated Go templates put out what walking their tree by the rules puts out.

The tree is generated with its text and, beside it, a function that says what it must put out: the language's rules
told a second time, a few lines each, without parser or compiler.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyhelm.chart.model import Chart, ChartFile
from pyhelm.engine.capabilities import capabilities
from pyhelm.engine.engine import Engine
from pyhelm.engine.interface import EngineOptions, ReleaseInfo
from pyhelm.engine.lines import marked, unmarked

VALUES = {"n": 3.0, "zero": 0.0, "s": "text", "none": "", "l": ["a", "b"], "e": [], "m": {"x": "1", "y": "2"}}
Env = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """Source text, and what it puts out for a dot and variables. `kind` decides where it may stand."""

    source: str
    run: Callable[[Any, Env], Any]


def shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return "[" + " ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{shown(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def truth(value: Any) -> bool:
    return bool(value)


WORDS = st.text("abc \n-}", max_size=8).map(lambda t: Piece(t, lambda dot, env: t))
KEYS = st.sampled_from(sorted(VALUES))


def _value(key: str) -> Piece:
    return Piece(f"$.Values.{key}", lambda dot, env: VALUES[key])


LEAVES = (
    KEYS.map(_value)
    | st.sampled_from(["", "q", 'a"b', "\n"]).map(lambda t: Piece(json.dumps(t), lambda d, e: t))
    | st.booleans().map(lambda b: Piece(str(b).lower(), lambda d, e: b))
    | st.integers(-5, 5).map(lambda i: Piece(str(i), lambda d, e: i))
)


def _call(name: str, arguments: list[Piece], rule: Callable[..., Any]) -> Piece:
    source = f"({name} {' '.join(a.source for a in arguments)})"
    return Piece(source, lambda dot, env: rule(*[a.run(dot, env) for a in arguments]))


def _first(want: bool, *values: Any) -> Any:
    return next((v for v in values if truth(v) is want), values[-1])


def _calls(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    some = st.lists(inner, min_size=1, max_size=3)
    return (
        some.map(lambda a: _call("and", a, lambda *v: _first(False, *v)))
        | some.map(lambda a: _call("or", a, lambda *v: _first(True, *v)))
        | inner.map(lambda a: _call("not", [a], lambda v: not truth(v)))
        | some.map(lambda a: _call("list", a, lambda *v: list(v)))
        | st.tuples(inner, inner).map(lambda a: _call("default", list(a), lambda d, v: v if truth(v) else d))
        | st.tuples(inner, inner, inner).map(
            lambda a: _call("ternary", [a[0], a[1], _call("empty", [a[2]], lambda v: not truth(v))], _ternary)
        )
    )


def _ternary(yes: Any, no: Any, which: Any) -> Any:
    return yes if which else no


EXPRESSIONS = st.recursive(LEAVES, _calls, max_leaves=5)


def _print(e: Piece) -> Piece:
    return Piece("{{ " + e.source + " }}", lambda dot, env: shown(e.run(dot, env)))


def _if(parts: tuple[Piece, Piece, Piece]) -> Piece:
    e, yes, no = parts
    source = f"{{{{ if {e.source} }}}}{yes.source}{{{{ else }}}}{no.source}{{{{ end }}}}"
    return Piece(source, lambda dot, env: (yes if truth(e.run(dot, env)) else no).run(dot, env))


def _with(parts: tuple[Piece, Piece, Piece]) -> Piece:
    e, yes, no = parts
    source = f"{{{{ with {e.source} }}}}{{{{ . }}}}{yes.source}{{{{ else }}}}{no.source}{{{{ end }}}}"

    def run(dot: Any, env: Env) -> str:
        value = e.run(dot, env)
        return str(shown(value) + yes.run(value, env) if truth(value) else no.run(dot, env))

    return Piece(source, run)


def _range(parts: tuple[str, Piece, Piece]) -> Piece:
    key, body, other = parts
    head = f"{{{{ range $k, $v := $.Values.{key} }}}}{{{{ $k }}}}={{{{ $v }}}}"
    source = f"{head}{body.source}{{{{ else }}}}{other.source}{{{{ end }}}}"

    def run(dot: Any, env: Env) -> str:
        value: Any = VALUES[key]
        pairs = sorted(value.items()) if isinstance(value, dict) else list(enumerate(value))
        out = "".join(f"{k}={v}{body.run(v, env)}" for k, v in pairs)
        return out or other.run(dot, env)

    return Piece(source, run)


def _assign(parts: tuple[Piece, Piece, Piece]) -> Piece:
    """A variable declared outside and assigned inside a branch keeps what it was given."""
    first, test, then = parts
    source = (
        f"{{{{ $x := {first.source} }}}}{{{{ if {test.source} }}}}{{{{ $x = {then.source} }}}}{{{{ end }}}}{{{{ $x }}}}"
    )

    def run(dot: Any, env: Env) -> str:
        return shown((then if truth(test.run(dot, env)) else first).run(dot, env))

    return Piece(source, run)


def _include(body: Piece) -> Piece:
    source = f'{{{{ define "t" }}}}{body.source}{{{{ end }}}}{{{{ include "t" $ }}}}'
    return Piece(source, lambda dot, env: body.run(dot, env))


def _blocks(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    return (
        st.tuples(EXPRESSIONS, inner, inner).map(_if)
        | st.tuples(EXPRESSIONS, inner, inner).map(_with)
        | st.tuples(st.sampled_from(["l", "e", "m"]), inner, inner).map(_range)
        | st.lists(inner, min_size=2, max_size=3).map(
            lambda ps: Piece("".join(p.source for p in ps), lambda d, e: "".join(p.run(d, e) for p in ps))
        )
    )


ASSIGNMENTS = st.tuples(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS).map(_assign)
BODIES = st.recursive(WORDS | EXPRESSIONS.map(_print) | ASSIGNMENTS, _blocks, max_leaves=8)


def rendered(source: str) -> str:
    chart = Chart({"apiVersion": "v2", "name": "c", "version": "1.0.0"})
    chart.templates = [ChartFile("templates/x.yaml", source.encode())]
    engine = Engine(EngineOptions())
    return engine.render(chart, dict(VALUES), ReleaseInfo(name="r"), capabilities())["c/templates/x.yaml"]


@given(BODIES)
@settings(max_examples=300, deadline=None)
def test_compiled_templates_put_out_what_the_language_says(body: Piece) -> None:
    assert rendered(body.source) == body.run(None, {})


@given(BODIES)
@settings(max_examples=100, deadline=None)
def test_marks_of_lines_change_nothing(body: Piece) -> None:
    text, lines = unmarked(rendered(marked(body.source)))
    assert text == rendered(body.source)
    assert len(lines) == text.count("\n") + 1
    assert all(1 <= line <= body.source.count("\n") + 1 for line in lines)
