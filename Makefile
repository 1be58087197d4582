# Everything a developer runs. Use inside a virtual environment with `pip install -e ".[test,dev]"`.
.PHONY: check format lint types imports test repo-index corpus bench

check: lint types imports test

format:
	ruff format .
	ruff check --fix .

lint:
	ruff check .

types:
	mypy

imports:
	lint-imports

test:
	python -m pytest -q -m "not slow"

# Packages of charts/ and their index; tests/e2e/test_repo_index.py fails when they are out of date.
repo-index:
	SOURCE_DATE_EPOCH=1767225600 pyhelm package charts/common charts/hello charts/guestbook --destination repo-index
	pyhelm repo index repo-index

# CHARTS is where the public charts were laid out, GOLDEN the folder of goldens.
CHARTS ?= ../corpus
GOLDEN ?= ../shared/corpus/golden
corpus:
	python -m pyhelm.testing.corpus $(CHARTS) $(GOLDEN)

bench:
	@ls benchmarks
	@echo "each file says in its first lines what it measures and how to run it"
