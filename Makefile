# The same few commands here and in CI. Each target creates and fills .venv by itself.
.PHONY: help demo test lint soak bench bench-pages paths docs clean chromium npm
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The first client that has the Datadog transport; one test run goes against it.
OLD_CLIENT := .venv-openlineage-1.37
# The first pytest that the plugin works with; some of its tests run there too.
PYTEST_8 := .venv-pytest-8
# What the Dockerfile installs, so that its test downloads nothing.
WHEELHOUSE := build/wheelhouse
# What judges whether pages can be used by everybody; for tests alone.
AXE := tests/web/node_modules/axe-core/axe.min.js
PIP := install --quiet --disable-pip-version-check --no-input

help: ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 20

demo: $(VENV)/.ready ## send by every documented way, to an intake that is well and to one that misbehaves; build/report.html
	$(BIN)/mock-intake demo --out build
	$(BIN)/mock-intake conformance --output build/report.html

test: $(VENV)/.ready $(OLD_CLIENT)/.ready $(PYTEST_8)/.ready $(WHEELHOUSE)/.ready $(AXE) chromium ## run all tests
	MOCK_INTAKE_OLD_CLIENT=$(abspath $(OLD_CLIENT)/bin/python) \
	MOCK_INTAKE_PYTEST_8=$(abspath $(PYTEST_8)/bin/python) $(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

lint: $(VENV)/.ready ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.ready ## measure the judgement and the plugin against their like, side by side
	$(BIN)/python bench/judge.py
	$(BIN)/python bench/intake.py
	$(BIN)/python bench/plugin.py

bench-pages: $(VENV)/.ready chromium ## measure how soon pages over 100,000 events are painted; takes minutes
	$(BIN)/python -m bench.pages

soak: $(VENV)/.ready $(OLD_CLIENT)/.ready $(PYTEST_8)/.ready $(WHEELHOUSE)/.ready $(AXE) chromium ## the slow forms of tests that run short in CI
	HYPOTHESIS_PROFILE=soak MOCK_INTAKE_OLD_CLIENT=$(abspath $(OLD_CLIENT)/bin/python) \
	MOCK_INTAKE_PYTEST_8=$(abspath $(PYTEST_8)/bin/python) $(BIN)/python -m pytest -n auto --timeout=3600 $(PYTEST_ARGS)

paths: $(VENV)/.ready ## measure what each client does under each fault, and write docs/paths.md
	$(BIN)/python -m docs.generate_paths

docs: $(VENV)/.ready ## write the pages that are generated from the code
	$(BIN)/python docs/generate.py

clean: ## remove what the other targets made
	rm -rf $(VENV) $(OLD_CLIENT) $(PYTEST_8) tests/web/node_modules build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

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

$(PYTEST_8)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(PYTEST_8)
	@grep -v '^pytest==' constraints.txt > $(PYTEST_8)/constraints.txt
	PIP_CONSTRAINT=$(PYTEST_8)/constraints.txt $(PYTEST_8)/bin/python -m pip $(PIP) -e '.[pytest]' pytest==8.0.0 pytest-xdist
	@touch $@

$(WHEELHOUSE)/.ready: $(VENV)/.ready
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-input \
		--wheel-dir $(WHEELHOUSE) '.[tls]' hatchling
	@touch $@

# The lock file has the hash of what comes.
$(AXE): tests/web/package-lock.json | npm
	npm --prefix tests/web ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# One of some commands, which a Debian package brings where none is here: $(call needed,COMMANDS,PACKAGE)
define needed
	@for name in $(1); do \
		command -v $$name >/dev/null && exit 0; \
	done; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "The tests need one of these, and none is here: $(1). On Debian: sudo apt-get install $(2)" >&2; exit 2; \
	fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get install -y -qq --no-install-recommends $(2) >/dev/null \
		|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(2) >/dev/null; }
endef

# Tests look at pages in a real browser, by one of the names that tests/browser.py knows.
chromium:
	$(call needed,chromium chromium-browser google-chrome google-chrome-stable,chromium)

# Brings Node too, which some of the producers in tests are written for.
npm:
	$(call needed,npm,npm)
