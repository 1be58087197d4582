"""Jinja2 files as parts of a program: compiled, kept in the cache, run, and included from the other dialect."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Any

from jinja2 import Template, nodes
from jinja2.exceptions import TemplateSyntaxError

from pyhelm.engine.functions import resolve
from pyhelm.engine.jinja.define import name_of
from pyhelm.engine.jinja.environment import ChartEnvironment
from pyhelm.engine.runtime import Linker
from pyhelm.errors import Frame, TemplateError

if TYPE_CHECKING:
    from pyhelm.engine.engine import Source

__all__ = ["JinjaFiles", "compile_jinja"]


def _no_function(name: str) -> Callable[..., Any]:
    raise KeyError(name)


def compile_jinja(name: str, data: bytes, go: bool) -> tuple[str, list[tuple[str, bool]], bytes]:
    """(name, [(macro or block, False)], marshalled code). Raises TemplateError."""
    from pyhelm.engine.failure import excerpt_of

    environment = ChartEnvironment(_no_function, lambda _: None, lambda _: False, go=go)
    text = data.decode("utf-8", "surrogateescape")
    try:
        tree = environment.parse(text, name, name)
        parts: list[Any] = [*tree.find_all(nodes.Block), *(node for node in tree.body if isinstance(node, nodes.Macro))]
        names = [(node.name, _is_empty(node)) for node in parts]
        code = environment.compile(tree, name, name)
    except TemplateSyntaxError as error:
        line = error.lineno
        message = error.message or "syntax error"
        raise TemplateError(
            message,
            (Frame(name, name, line, 1),),
            kind="parse",
            excerpt=excerpt_of(text, line, 0),
            helm=f"parse error at ({name}:{line}): {message}",
        ) from None
    return name, names, marshal.dumps(code)


def _is_empty(node: Any) -> bool:
    """Nothing but blanks: such a definition replaces no other."""
    return all(
        isinstance(part, nodes.TemplateData) and not part.data.strip()
        for output in node.body
        for part in (output.nodes if isinstance(output, nodes.Output) else [output])
    )


class JinjaFiles:
    """The Jinja2 files of one program."""

    def __init__(self, linker: Linker, strict: bool) -> None:
        self.linker = linker
        self.sources: dict[str, Source] = {}
        self.blobs: dict[str, bytes] = {}
        self.templates: dict[str, Template] = {}
        self.modules: dict[tuple[str, int], Any] = {}
        known = self.function, self.template, self.blobs.__contains__, linker, strict
        self.environments = {go: ChartEnvironment(*known, go=go) for go in (False, True)}

    def function(self, name: str) -> Callable[..., Any]:
        found = self.linker.functions.get(name) or self.linker.own.get(name)
        return found if found is not None else resolve(name)

    def add(self, source: Source, names: list[tuple[str, bool]], blob: bytes) -> None:
        """Define a file and, for includes, its macros and blocks."""
        self.sources[source.name] = source
        self.blobs[source.name] = blob
        chart = source.chart.rpartition("/")[2]
        self.linker.linked[source.name] = lambda data, out: out.append(self.run(source, data))
        for name, empty in names:
            part, plain = self.part(source, name), name_of(name)
            if plain is None:
                self.linker.linked[f"{chart}.{name}"] = part
                self.linker.linked.setdefault(name, part)
            elif not empty or self.linker.find(plain) is None:
                self.linker.linked[plain] = part

    def template(self, name: str) -> Template | None:
        found = self.templates.get(name)
        if found is None and name in self.blobs:
            code: CodeType = marshal.loads(self.blobs[name])
            environment = self.environments[self.sources[name].dialect == "jinja2+go"]
            found = Template.from_code(environment, code, environment.make_globals(None))
            self.templates[name] = found
        return found

    def variables(self, source: Source, data: Any) -> dict[str, Any]:
        scope = data if isinstance(data, dict) and "Values" in data else source.scope
        return {**scope, "ctx": scope}

    def run(self, source: Source, data: Any) -> str:
        template = self.template(source.name)
        assert template is not None
        return "".join(template.root_render_func(template.new_context(self.variables(source, data))))

    def module(self, template: Template, variables: dict[str, Any]) -> Any:
        """What a file defines when it is run with these variables; run once for each chart's data."""
        key = template.name or "", id(variables["ctx"])
        if key not in self.modules:
            self.modules[key] = template.make_module(variables)
        return self.modules[key]

    def part(self, source: Source, name: str) -> Callable[[Any, list[str]], None]:
        """A macro or block as a named template."""

        def run(data: Any, out: list[str]) -> None:
            template = self.template(source.name)
            assert template is not None
            variables = self.variables(source, data)
            if name in template.blocks:
                if name_of(name) is not None:
                    variables["ctx"] = data
                out.extend(template.blocks[name](template.new_context(variables)))
                return
            macro = getattr(self.module(template, variables), name)
            out.append(str(macro(data) if macro.arguments or macro.catch_varargs else macro()))

        return run
