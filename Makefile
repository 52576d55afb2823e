# The same few commands here and in CI. Each target creates and fills .venv by itself.
.PHONY: help demo test lint soak bench paths docs clean
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The first client that has the Datadog transport; one test run goes against it.
OLD_CLIENT := .venv-openlineage-1.37
PIP := install --quiet --disable-pip-version-check --no-input

help: ## show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 16

demo: $(VENV)/.ready ## send the documented ways of sending to an intake of its own, and show what it made of them
	$(BIN)/mock-intake demo --out build

test: $(VENV)/.ready $(OLD_CLIENT)/.ready ## run all tests
	MOCK_INTAKE_OLD_CLIENT=$(abspath $(OLD_CLIENT)/bin/python) $(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

lint: $(VENV)/.ready ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.ready ## measure the judgement against its parts, side by side
	$(BIN)/python bench/judge.py
	$(BIN)/python bench/intake.py

soak: $(VENV)/.ready ## the slow forms of tests that run short in CI
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n auto --timeout=3600 $(PYTEST_ARGS)

paths: $(VENV)/.ready ## measure what each client does under each fault, and write docs/paths.md
	$(BIN)/python -m docs.generate_paths

docs: $(VENV)/.ready ## write the pages that are generated from the code
	$(BIN)/python docs/generate.py

clean: ## remove what the other targets made
	rm -rf $(VENV) $(OLD_CLIENT) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "mock-intake needs Python 3.11 or later; $(PYTHON) is older. Use: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "python3 cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 2; }
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip $(PIP) -e '.[dev]'
	@touch $@

$(OLD_CLIENT)/.ready: constraints-openlineage-1.37.txt
	@$(PYTHON) -m venv $(OLD_CLIENT)
	$(OLD_CLIENT)/bin/python -m pip $(PIP) -r constraints-openlineage-1.37.txt
	@touch $@
