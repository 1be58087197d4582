"""One render's program: the compiled files of a chart, the functions that need the engine, and the texts run by tpl.

Everything compiled for a chart is one entry of the cache, the texts that `tpl` met included; an entry found needs
neither the parser nor Jinja2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyhelm.engine import cache
from pyhelm.engine.functions import resolve
from pyhelm.engine.functions.errors import GoCallError, GoTypeError
from pyhelm.engine.interface import EngineOptions
from pyhelm.engine.runtime import FailError, Linker, Meter, Unit, not_text

if TYPE_CHECKING:
    from pyhelm.engine.engine import Source
    from pyhelm.engine.jinja.units import JinjaFiles

__all__ = ["Program"]

Stored = tuple[str, list[tuple[str, bool]], bytes]
"""A file as the cache keeps it: its name, its templates with whether they are empty, their code marshalled."""

_MAX_KEPT_TEXTS = 2000
"""Texts of tpl kept in a cache entry."""


class Program:
    """Links and runs the files of one chart."""

    def __init__(self, options: EngineOptions, sources: Sequence[Source]) -> None:
        self.options = options
        self.sources = sources
        self.meter = Meter(options.limits)
        self.linker = Linker(self.meter, options.replace, self.functions)
        self.key = ""
        self.files: list[Stored] = []
        self.texts: dict[str, Stored] = {}
        """Texts that tpl has met, compiled."""
        self.text_units: dict[str, Unit] = {}
        self.changed = False
        self.jinja: JinjaFiles | None = None
        self.error: Exception | None = None

    # compiling

    def link(self) -> None:
        """Compile the files, or find them compiled, and define their templates in order. Raises TemplateError."""
        if self.options.cache is not None:
            parts = (part for s in self.sources for part in (s.name.encode(), s.dialect.encode(), s.text))
            self.key = cache.digest(parts)
            entry = cache.load(self.options.cache, self.key)
            if entry is not None:
                self.files, self.texts = entry
        if not self.files:
            from pyhelm.engine.compiler import compile_source

            self.files = [compile_source(source.name, source.text, source.dialect) for source in self.sources]
            self.changed = True
        for source, (filename, names, blob) in zip(self.sources, self.files):
            if source.dialect.startswith("jinja2"):
                self.jinja_files().add(source, names, blob)
            else:
                self.linker.add(Unit(filename, names, blob))

    def jinja_files(self) -> JinjaFiles:
        if self.jinja is None:
            from pyhelm.engine.jinja.units import JinjaFiles

            self.jinja = JinjaFiles(self.linker, self.options.strict)
        return self.jinja

    def save(self) -> None:
        """Keep what was compiled in the cache."""
        if self.changed and self.options.cache is not None:
            texts = dict(list(self.texts.items())[-_MAX_KEPT_TEXTS:])
            cache.store(self.options.cache, self.key, (self.files, texts))

    # running

    def run(self, source: Source) -> str:
        """The output of one file. Raises TemplateError."""
        try:
            return self.linker.execute(source.name, source.scope)
        except Exception as error:
            from pyhelm.engine.failure import explain

            raise explain(error, self) from (None if isinstance(error, _EXPECTED) else error)

    def functions(self, linker: Linker) -> dict[str, Callable[..., Any]]:
        """The functions that need the engine, for one set of named templates."""
        remembering = {} if self.options.memory is None else {"fromYaml": self.from_yaml}
        return {
            **remembering,
            "tpl": lambda text, data: self.tpl(linker, text, data),
            "required": self.required,
            "fail": self.fail,
            "lookup": self.lookup,
            "getHostByName": self.host,
        }

    def tpl(self, linker: Linker, text: Any, data: Any) -> str:
        if not isinstance(text, str):
            raise not_text(text, 0)
        if "{{" not in text:
            return text.replace("<no value>", "")
        unit = self.text_unit(text)
        if len(unit.names) > 1:
            linker = linker.derived()
            linker.add(unit)
        self.meter.calls += 1
        if not self.meter.calls & 63:
            self.meter.check_time()
        self.meter.depth += 1
        if self.meter.depth > 10000:
            raise GoCallError("tpl is nested deeper than 10000 levels")
        out: list[str] = []
        place = next(i for i, (name, _) in enumerate(unit.names) if name == "gotpl")
        linker.bind(unit.code(place))(data, out)
        self.meter.depth -= 1
        return "".join(out).replace("<no value>", "")

    def from_yaml(self, text: Any) -> Any:
        """fromYaml, but the parser is not asked for texts it met in an earlier command."""
        parse, memory = resolve("fromYaml"), self.options.memory
        if text.__class__ is not str or memory is None:
            return parse(text)
        return memory.recall("fromYaml", text.encode("utf-8", "surrogatepass"), lambda: parse(text))

    def text_unit(self, text: str) -> Unit:
        unit = self.text_units.get(text)
        if unit is None:
            stored = self.texts.get(text)
            if stored is None:
                from pyhelm.engine.compiler import compile_text

                stored = self.texts[text] = compile_text(text)
                self.changed = True
            unit = self.text_units[text] = Unit(*stored)
        return unit

    def required(self, message: Any, value: Any) -> Any:
        if not isinstance(message, str):
            raise not_text(message, 0)
        if value is None or (value == "" and isinstance(value, str)):
            if self.options.lint:
                return ""
            raise FailError(message)
        return value

    def fail(self, message: Any) -> str:
        if not isinstance(message, str):
            raise not_text(message, 0)
        if self.options.lint:
            return ""
        raise FailError(message)

    def lookup(self, *arguments: Any) -> dict[str, Any]:
        for index, argument in enumerate(arguments):
            if not isinstance(argument, str):
                raise not_text(argument, index)
        if self.options.lookup is None or self.options.lint:
            return {}
        return self.options.lookup(*arguments)

    def host(self, name: Any) -> str:
        if not isinstance(name, str):
            raise not_text(name, 0)
        if not self.options.enable_dns:
            return ""
        import socket

        try:
            return socket.gethostbyname(name)
        except OSError:
            return ""


_EXPECTED = (GoCallError, GoTypeError, FailError)
