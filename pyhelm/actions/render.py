"""From a chart and values to the manifest of a release: coalesce, render, split, order.

The same road for `template`, install and upgrade; only the collaborators (lookup, capabilities) differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pyhelm.actions.context import Context, Log, no_line, no_log
from pyhelm.actions.options import RenderOptions
from pyhelm.chart.model import Chart
from pyhelm.engine.interface import Capabilities, EngineOptions, Lookup, ReleaseInfo
from pyhelm.errors import ChartError, ManifestError, PyhelmError
from pyhelm.formats.yaml_memory import YamlMemory
from pyhelm.manifest.documents import Arranged, Document, arrange, raw_files, sourced
from pyhelm.manifest.hooks import Hook
from pyhelm.records import dataclass, field

_NOTES = "NOTES.txt"
_HIDDEN = "# HIDDEN: The Secret output has been suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Everything a rendering depends on."""

    chart: Chart
    values: dict[str, Any]
    release: ReleaseInfo
    capabilities: Capabilities
    options: RenderOptions = field(default_factory=RenderOptions)
    lookup: Lookup | None = None
    cache: Path | None = None
    log: Log = no_log
    warn: Callable[[str], None] = no_line
    memory: YamlMemory | None = None
    """What YAML texts mean, from the command before."""
    engine: EngineOptions | None = None
    """Replaces the engine's options, for recorded goldens."""


@dataclass(slots=True)
class Rendered:
    """The outcome: `manifest` as recorded, `documents` the same in parts (CRDs of crds/ first, when asked for)."""

    manifest: str = ""
    documents: list[Document] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    notes: str = ""


class RenderFailed(ManifestError):
    """Rendered files that are no valid manifests; `manifest` is what was rendered, for looking at it, `files` the
    same by path."""

    def __init__(self, message: str, manifest: str, files: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.manifest = manifest
        self.files = files or {}


class IncompatibleKubernetes(ChartError):
    """A chart that is not made for this version of Kubernetes."""


def prepare(chart: Chart, values: dict[str, Any], warn: Callable[[str], None] = no_line) -> Chart:
    """The chart with the subcharts that take part and the values it imports from them. Raises PyhelmError."""
    from pyhelm.values.dependencies import process

    try:
        return process(chart, values, warn)
    except PyhelmError as error:
        raise type(error)(f"chart dependencies processing failed: {error}") from error


def render(rendering: Rendering) -> Rendered:
    """Render a prepared chart. Raises ValuesError, TemplateError, ChartError, RenderFailed.

    What is raised knows its rendering: `rendering` of the error, for whoever explains it.
    """
    try:
        return _render(rendering)
    except PyhelmError as error:
        error.rendering = rendering
        raise


def _render(rendering: Rendering) -> Rendered:
    values = effective_values(rendering)
    check_kube_version(rendering.chart, rendering.capabilities)
    files = _files(rendering, values)
    notes = _take_notes(files, rendering)
    try:
        arranged = arrange(files, rendering.memory)
    except ManifestError as error:
        raise RenderFailed(str(error), raw_files(files), files) from error
    for words in arranged.unknown_hooks:
        rendering.log("INFO", "skipping unknown hooks", {"hookTypes": words})
    return _rendered(rendering, arranged, notes)


def effective_values(rendering: Rendering) -> dict[str, Any]:
    """The values templates see. Raises ValuesError, also where a schema is broken."""
    from pyhelm.values.coalesce import coalesce_values

    values = coalesce_values(rendering.chart, rendering.values, rendering.warn)
    if not rendering.options.skip_schema_validation and _has_schema(rendering.chart):
        from pyhelm.values.quick_schema import all_surely_valid

        if not all_surely_valid(rendering.chart, values):
            _check_schemas(rendering, values)
    return values


def _check_schemas(rendering: Rendering, values: dict[str, Any]) -> None:
    """Ask the validator, unless it found nothing wrong with these values and schemas in an earlier command."""

    def check() -> bool:
        from pyhelm.values.schema import check_values

        check_values(rendering.chart, values)
        return True

    facts = _schema_facts(rendering.chart, values) if rendering.memory is not None else None
    if rendering.memory is None or facts is None:
        check()
    else:
        rendering.memory.recall("schema", facts, check)


def _schema_facts(chart: Chart, values: dict[str, Any]) -> bytes | None:
    """All a verdict depends on, None for values that are no plain data. Equal facts give equal bytes."""
    import marshal

    def schemas(part: Chart) -> list[Any]:
        return [part.name, part.schema, [schemas(child) for child in part.dependencies]]

    try:
        # Later versions of the format note which objects are shared, which is chance.
        return marshal.dumps((schemas(chart), values), 2)
    except ValueError:
        return None


def _has_schema(chart: Chart) -> bool:
    """The validator takes long to import; most charts need none."""
    return chart.schema is not None or any(map(_has_schema, chart.dependencies))


def check_kube_version(chart: Chart, capabilities: Capabilities) -> None:
    """Raise IncompatibleKubernetes where the chart is not made for that Kubernetes."""
    wanted = str(chart.metadata.get("kubeVersion") or "")
    if wanted and not _satisfies(capabilities.kube_version, wanted):
        raise IncompatibleKubernetes(
            f"chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {capabilities.kube_version}"
        )


def _satisfies(version: str, wanted: str) -> bool:
    from pyhelm.formats.semver import Constraint, SemverError, Version

    try:
        return Constraint.parse(wanted).check(Version.parse(version))
    except SemverError:
        return False


def _engine_options(rendering: Rendering) -> EngineOptions:
    return rendering.engine or EngineOptions(
        enable_dns=rendering.options.enable_dns,
        lookup=rendering.lookup,
        cache=rendering.cache,
        memory=rendering.memory,
    )


def _files(rendering: Rendering, values: dict[str, Any]) -> dict[str, str]:
    from pyhelm.engine.engine import Engine

    engine = Engine(_engine_options(rendering))
    return dict(engine.render(rendering.chart, values, rendering.release, rendering.capabilities))


def template_lines(rendering: Rendering, paths: Iterable[str]) -> dict[str, tuple[str, list[int]]]:
    """Path -> what it rendered once more, and the line of the template that made each line of it.

    Files of crds/ stand for themselves. For pointing at what was found in the output: it costs a rendering.
    """
    from pyhelm.engine.lines import rendered_lines
    from pyhelm.values.coalesce import coalesce_values

    texts = {document.path: document.text for document in crd_objects(rendering.chart)}
    found = {path: (text, list(range(1, text.count("\n") + 2))) for path, text in texts.items()}
    values = coalesce_values(rendering.chart, rendering.values)
    return found | rendered_lines(
        rendering.chart, values, rendering.release, rendering.capabilities, _engine_options(rendering), paths
    )


def _take_notes(files: dict[str, str], rendering: Rendering) -> str:
    """Take NOTES.txt out of the files; the root chart's are shown, subcharts' when asked for."""
    root = f"{rendering.chart.name}/templates/{_NOTES}"
    found = [name for name in sorted(files) if name.endswith(_NOTES)]
    shown = [files[name] for name in found if name == root or rendering.options.sub_notes]
    for name in found:
        del files[name]
    return "\n".join(shown)


def _rendered(rendering: Rendering, arranged: Arranged, notes: str) -> Rendered:
    documents = crd_objects(rendering.chart) if rendering.options.include_crds else []
    documents += arranged.documents
    if rendering.options.hide_secret:
        documents = [_hidden(document) for document in documents]
    manifest = "".join(sourced(d.path, d.text) for d in documents)
    return Rendered(manifest, documents, arranged.hooks, notes)


def _hidden(document: Document) -> Document:
    if document.kind == "Secret" and document.api_version == "v1":
        return Document(document.path, _HIDDEN, document.kind, document.name, document.api_version)
    return document


def crd_objects(chart: Chart) -> list[Document]:
    """The files of crds/, of this chart and then of its subcharts, as they are."""
    own = [
        Document(f"{chart.full_path}/{f.name}", f.data.decode("utf-8", "replace"), "CustomResourceDefinition")
        for f in chart.files
        if f.name.startswith("crds/") and f.name.endswith((".yaml", ".yml", ".json"))
    ]
    return own + [document for sub in chart.dependencies for document in crd_objects(sub)]


async def live_lookup(context: Context) -> Lookup:
    """`lookup` of templates over the server. Templates are synchronous: each look runs in a thread of its own."""
    kinds = await context.discovery.kinds()
    access = context.kube

    def lookup(api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
        mapping = kinds.get((api_version, kind))
        if mapping is None:
            return {}
        path = mapping.path(namespace, name)
        return _outcome(lambda: _get(access.copy(), path))

    return lookup


async def _get(kube: Any, path: str) -> dict[str, Any]:
    try:
        found = await kube.find(path)
        return found or {}
    finally:
        await kube.close()


def _outcome(call: Callable[[], Any]) -> dict[str, Any]:
    """Run a coroutine to its end in a thread with its own loop, since this one's loop is waiting for the template."""
    import asyncio
    import threading

    result: list[dict[str, Any]] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            result.append(asyncio.run(call()))
        except BaseException as error:  # handed over to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="lookup")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return result[0]
