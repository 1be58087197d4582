"""`python -m pyhelm` is the console script."""

from pyhelm.cli.main import run

if __name__ == "__main__":
    run()
