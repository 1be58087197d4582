"""Settings for all tests: property tests try the same examples on every run, so that a run can be repeated.

`HYPOTHESIS_PROFILE=wide python -m pytest tests/properties` looks further, with new examples each time.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True, database=None)
settings.register_profile("wide", max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
