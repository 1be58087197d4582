"""JSON as encoding/json reads and writes it, for the layers above the engine; see `pyhelm.formats`."""

from __future__ import annotations

from pyhelm.formats.json_read import JSONError
from pyhelm.formats.json_read import load as loads
from pyhelm.formats.json_write import UnsupportedValue
from pyhelm.formats.json_write import dump as dumps
from pyhelm.formats.json_write import dump_pretty as dumps_pretty

__all__ = ["JSONError", "UnsupportedValue", "dumps", "dumps_pretty", "loads"]
