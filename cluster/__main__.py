"""`python -m cluster …`."""

import sys

from cluster.cli.main import run

sys.exit(run(sys.argv[1:], prog="python -m cluster"))
