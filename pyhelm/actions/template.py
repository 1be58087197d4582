"""Template: render a chart without a cluster (or asking one), as text or files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyhelm.actions.context import Log, no_line, no_log
from pyhelm.actions.options import RenderOptions
from pyhelm.actions.render import Rendered, Rendering, prepare, render
from pyhelm.chart.model import Chart
from pyhelm.engine.interface import Capabilities, ReleaseInfo
from pyhelm.errors import ChartError
from pyhelm.formats.yaml_memory import YamlMemory
from pyhelm.manifest.documents import source_of, sourced, split
from pyhelm.records import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateOptions:
    """Options of `template`. `output_dir` None prints; `show_only` are patterns of paths in the chart."""

    name: str = "release-name"
    namespace: str = "default"
    is_upgrade: bool = False
    no_hooks: bool = False
    skip_tests: bool = False
    show_only: Sequence[str] = ()
    output_dir: Path | None = None
    use_release_name: bool = False
    render: RenderOptions = field(default_factory=RenderOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateHooks:
    """Collaborators of a rendering."""

    log: Log = no_log
    warn: Callable[[str], None] = no_line
    wrote: Callable[[str], None] = no_line
    lookup: Any = None
    cache: Path | None = None
    memory: YamlMemory | None = None


def template(
    chart: Chart,
    values: dict[str, Any],
    options: TemplateOptions,
    capabilities: Capabilities,
    hooks: TemplateHooks,
) -> str:
    """The text `helm template` prints. Raises PyhelmError; RenderFailed carries what was rendered."""
    rendered = render(rendering_of(chart, values, options, capabilities, hooks))
    if hooks.memory is not None:
        hooks.memory.save()
    return shown(rendered, options, hooks)


def rendering_of(
    chart: Chart,
    values: dict[str, Any],
    options: TemplateOptions,
    capabilities: Capabilities,
    hooks: TemplateHooks,
) -> Rendering:
    """Everything the rendering depends on. Raises PyhelmError where dependencies cannot be worked out."""
    return Rendering(
        chart=prepare(chart, values, hooks.warn),
        values=values,
        release=ReleaseInfo(
            name=options.name,
            namespace=options.namespace,
            is_install=not options.is_upgrade,
            is_upgrade=options.is_upgrade,
        ),
        capabilities=capabilities,
        options=options.render,
        lookup=hooks.lookup,
        cache=hooks.cache,
        memory=hooks.memory,
        log=hooks.log,
        warn=hooks.warn,
    )


def shown(rendered: Rendered, options: TemplateOptions, hooks: TemplateHooks) -> str:
    """What is printed of a rendering; files are written where an output folder is given."""
    text = written(rendered, options, hooks) if options.output_dir else printed(rendered, options)
    return only(text, options.show_only) if options.show_only else text


def printed(rendered: Rendered, options: TemplateOptions) -> str:
    """Manifest and hooks one after the other."""
    text = rendered.manifest.strip() + "\n"
    return text + "".join(sourced(path, body) for path, body in _hooks(rendered, options))


def _hooks(rendered: Rendered, options: TemplateOptions) -> list[tuple[str, str]]:
    if options.no_hooks:
        return []
    return [(h.path, h.manifest) for h in rendered.hooks if not (options.skip_tests and h.is_test)]


def written(rendered: Rendered, options: TemplateOptions, hooks: TemplateHooks) -> str:
    """Write every document to the file of its template below the output folder; what is printed after."""
    top = options.output_dir or Path()
    folder = top / options.name if options.use_release_name else top
    seen: set[str] = set()
    for document in rendered.documents:
        # Helm puts the files of crds/ outside the release's own folder.
        place = top if _is_crd_file(document.path, document.kind) else folder
        _write(place, document.path, document.text, seen, hooks)
    for path, body in _hooks(rendered, options):
        _write(folder, path, body, seen, hooks)
    return "\n"


def _is_crd_file(path: str, kind: str) -> bool:
    return kind == "CustomResourceDefinition" and "/crds/" in path


def _write(folder: Path, name: str, text: str, seen: set[str], hooks: TemplateHooks) -> None:
    target = folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a" if name in seen else "w") as file:
            file.write(sourced(name, text))
    except OSError as error:
        raise ChartError(f"cannot write {target}: {error.strerror}") from error
    seen.add(name)
    hooks.wrote(f"wrote {target}")


def only(text: str, patterns: Sequence[str]) -> str:
    """The documents whose template matches a pattern. Raises ChartError for a pattern that matches none."""
    documents = [(source_of(document), document) for document in split(text)]
    found: list[str] = []
    for pattern in patterns:
        matcher = _glob(pattern)
        hits = [document for source, document in documents if source and matcher(source)]
        if not hits:
            raise ChartError(f"could not find template {pattern} in chart")
        found += hits
    return "".join(f"---\n{document}\n" for document in found)


def _glob(pattern: str) -> Callable[[str], bool]:
    """Go's filepath.Match; a bad pattern matches nothing."""
    from pyhelm.chart.ignore import glob

    try:
        compiled = glob(pattern)
    except (ChartError, re.error):
        return lambda _: False
    return lambda name: compiled.fullmatch(name) is not None


