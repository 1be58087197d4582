"""YAML as Helm reads and writes it, for the layers above the engine; the work is done in `pyhelm.formats`."""

from __future__ import annotations

from pyhelm.formats.yaml_read import YAMLError, load, load_list, load_map, load_strict, split_documents
from pyhelm.formats.yaml_write import UnsupportedValue, dump

__all__ = [
    "UnsupportedValue",
    "YAMLError",
    "dump",
    "load",
    "load_list",
    "load_map",
    "load_strict",
    "split_documents",
]
