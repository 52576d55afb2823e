"""What the plugin costs: next to nothing where it is not used, little where it is (bench/plugin.py has the figures)."""

from __future__ import annotations

import json
import resource
import statistics
from pathlib import Path

import pytest

from tests.plugin.alone import OURS, AloneProject

HEAVY = (
    "starlette", "httptools", "uvloop", "jsonschema", "jsonschema_rs", "msgspec", "httpx", "faker", "deepdiff",
    "trustme",
)  # fmt: skip
# What pytest has loaded when it is about to end.
TELL_MODULES = """
import json, sys

def pytest_unconfigure():
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""


@pytest.fixture
def alone(tmp_path: Path) -> AloneProject:
    return AloneProject(tmp_path, imported=False)


def modules(alone: AloneProject) -> set[str]:
    return set(json.loads((alone.path / "modules.json").read_text()))


def heavy(loaded: set[str]) -> set[str]:
    return {name for name in loaded if name.partition(".")[0] in HEAVY}


def test_a_run_that_does_not_use_it_loads_nothing_heavy(alone: AloneProject) -> None:
    alone.write("conftest.py", TELL_MODULES)
    alone.write(
        "test_it.py",
        """
        import pytest
        import mock_intake_pytest

        pytestmark = pytest.mark.intake(events=0)

        def test_it(): pass
        """,
    )
    alone.passes(1)
    assert heavy(modules(alone)) == set()
    ours = {name for name in modules(alone) if name.startswith("mock_intake")}
    assert ours == {
        "mock_intake",
        "mock_intake.report",
        "mock_intake.report.formats",
        "mock_intake.system",
        "mock_intake.system.clock",
        "mock_intake_pytest",
        "mock_intake_pytest.disk",
        "mock_intake_pytest.bytecode",
        "mock_intake_pytest.options",
        "mock_intake_pytest.plugin",
    }


def test_a_test_that_only_sends_and_asks_loads_no_more_than_it_needs(alone: AloneProject) -> None:
    alone.write("conftest.py", (alone.path / "conftest.py").read_text() + TELL_MODULES)
    alone.write(
        "test_it.py",
        "def test_it(intake, send):\n    send()\n    assert intake.event().status == 'ok'\n"
        "    intake.assert_event({'eventType': 'START'})\n",
    )
    alone.passes(1)
    loaded = modules(alone)
    unneeded = {"faker", "deepdiff", "trustme", "httpx", "jsonschema", "sqlite3", "tomllib", "jinja2", "markupsafe"}
    assert {name.partition(".")[0] for name in loaded} & unneeded == set()
    unneeded = {
        "starlette.routing", "starlette.requests", "mock_intake.server.control", "mock_intake.server.routes",
        "mock_intake.server.ingest.agent", "mock_intake.server.http.proxy", "mock_intake.server.http.tls",
        "mock_intake.producers.environment", "mock_intake.producers.paths", "mock_intake.report.finding_text",
        "mock_intake.model.shapes", "mock_intake.openlineage.explain", "mock_intake.views.extract_blocks",
        "mock_intake.report.lineage", "mock_intake.faults.plans",
        "mock_intake_pytest.accepting", "mock_intake_pytest.environment",
    }  # fmt: skip
    assert loaded & unneeded == set()


def test_a_first_test_makes_no_more_than_it_needs(alone: AloneProject) -> None:
    """Patterns compile when they are asked, and schemas of all facets at the first one that is unusual."""
    alone.write(
        "test_it.py",
        """
        import gc

        def test_it(intake, send):
            send()
            intake.assert_event({"eventType": "START"})
            from mock_intake.openlineage.library import standard_library
            from mock_intake.openlineage.schema import documents
            from mock_intake.system.patterns import Pattern

            patterns = [each for each in gc.get_objects() if isinstance(each, Pattern)]
            assert len(patterns) > 60
            assert sum("match" in vars(each) for each in patterns) < 15
            assert "registry" not in vars(standard_library())
            assert documents.cache_info().currsize == 0
        """,
    )
    alone.passes(1)


def test_what_a_test_leaves_behind_needs_no_collector(alone: AloneProject) -> None:
    """What was made for a test is gone with it: connections and views that hold themselves make Python stop and look
    for them while tests run.
    """
    alone.write(
        "test_it.py",
        """
        import gc
        import pytest

        @pytest.mark.parametrize("number", range(9))
        def test_it(intake, send, number):
            if number == 3:
                gc.collect()
                gc.set_debug(gc.DEBUG_SAVEALL)
            send()
            intake.assert_event({"eventType": "START"})
            assert intake.runs()
            if number < 8:
                return
            gc.collect()
            gc.set_debug(0)
            left = {repr(type(each)) for each in gc.garbage}
            gc.garbage.clear()
            assert {each for each in left if "mock_intake" in each or "uvloop" in each} == set()
        """,
    )
    alone.passes(9)


def test_its_modules_are_loaded_as_they_were_compiled(alone: AloneProject) -> None:
    """Where it is installed, pytest means to rewrite all of them, as the first plugin here asks: half a second."""
    alone.write("asks.py", "import pytest\npytest.register_assert_rewrite('mock_intake', 'mock_intake_pytest')\n")
    alone.write(
        "test_it.py",
        """
        import sys

        def test_it(intake, intake_env, send):
            send()
            intake.assert_event({"eventType": "START"})
            ours = {name: module for name, module in sys.modules.items() if name.startswith("mock_intake")}
            rewritten = {name for name, module in ours.items() if "Rewriting" in type(module.__loader__).__name__}
            assert len(ours) > 50
            assert "mock_intake_pytest" in rewritten
            assert rewritten <= {
                "mock_intake", "mock_intake.report", "mock_intake.report.formats",
                "mock_intake.system", "mock_intake.system.clock", "mock_intake_pytest",
                "mock_intake_pytest.bytecode", "mock_intake_pytest.disk", "mock_intake_pytest.plugin",
            }
        """,
    )
    ran = alone.run(ours=False, plugins=["asks", OURS])
    assert ran.outcomes == {"passed": 1}, ran.output


def processor_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_an_empty_run_takes_hardly_longer_with_it(alone: AloneProject) -> None:
    """At most 20 ms, on a machine that does nothing else; here processor time, and a bound for one that does."""
    alone.write("conftest.py", "")
    alone.write("test_it.py", "def test_it(): pass\n")
    took: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(4):
        for which in took:
            before = processor_time()
            assert alone.run(ours=which == "with").outcomes == {"passed": 1}
            took[which].append(processor_time() - before)
    assert min(took["with"]) - min(took["without"]) < 0.2


def test_the_first_test_and_each_further_one_are_quick(alone: AloneProject) -> None:
    """0.4 s and 5 ms on a machine that does nothing else; here with bounds for one that does."""
    alone.write(
        "conftest.py",
        (alone.path / "conftest.py").read_text()
        + """
TOOK = {}

def pytest_runtest_logreport(report):
    TOOK[report.nodeid] = TOOK.get(report.nodeid, 0.0) + report.duration

def pytest_unconfigure():
    with open("took.json", "w") as file:
        json.dump(list(TOOK.values()), file)
""",
    )
    alone.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("number", range(50))
        def test_it(intake, send, number):
            assert send() == 202
            assert intake.event().event_type == "START"
        """,
    )
    alone.passes(50)
    first, *further = json.loads((alone.path / "took.json").read_text())
    assert first < 4
    assert statistics.median(further) < 0.05


def test_each_run_of_a_test_is_judged_once(alone: AloneProject) -> None:
    """When the test ends: for what it fails for, for the summary and for the report."""
    alone.write(
        "conftest.py",
        (alone.path / "conftest.py").read_text()
        + """
import json
import pytest

JUDGED = []

@pytest.fixture(scope="session", autouse=True)
def told(_intake_session):
    import mock_intake.views as views

    judge_run = views.judge_run

    def told(facts, **how):
        JUDGED.append((facts.run_id, how["closed"]))
        return judge_run(facts, **how)

    views.judge_run = told

def pytest_unconfigure():
    with open("judged.json", "w") as file:
        json.dump(JUDGED, file)
""",
    )
    alone.write(
        "test_it.py",
        """
        import pytest

        RUNS = [f"5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3{number}" for number in range(4)]

        @pytest.mark.parametrize("run_id", RUNS)
        def test_it(intake, send, run_id):
            assert send(run=run_id) == 202
            assert intake.event().status == "ok"
        """,
    )
    alone.passes(4, "--intake-report", "report.json")
    judged = json.loads((alone.path / "judged.json").read_text())
    assert sorted(judged) == [[f"5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3{number}", True] for number in range(4)]


def test_descriptors_and_threads_do_not_grow_with_tests(alone: AloneProject) -> None:
    alone.write(
        "test_it.py",
        """
        import os, threading
        import pytest

        SEEN = []

        @pytest.mark.parametrize("number", range(60))
        def test_it(intake, send, number):
            assert send() == 202
            assert intake.agent_url
            SEEN.append((len(os.listdir("/dev/fd")), threading.active_count()))

        @pytest.mark.intake(events=0)
        def test_none_is_left(intake):
            assert max(SEEN[10:]) <= max(SEEN[:10])
        """,
    )
    alone.passes(61)


def test_garbage_is_collected_again_after_the_first_test_and_what_was_frozen_stays_so(alone: AloneProject) -> None:
    alone.write("conftest.py", "import gc\ngc.freeze()")
    alone.write(
        "test_it.py",
        """
        import gc, pytest

        @pytest.mark.intake(events=0)
        def test_it(intake):
            assert gc.isenabled()
            assert gc.get_freeze_count() > 1_000
        """,
    )
    alone.passes(1)


def test_who_has_collection_switched_off_keeps_it_so(alone: AloneProject) -> None:
    alone.write("conftest.py", "import gc\ngc.disable()")
    alone.write(
        "test_it.py",
        """
        import gc, pytest

        @pytest.mark.intake(events=0)
        def test_it(intake):
            assert not gc.isenabled()
            assert gc.get_freeze_count() == 0
        """,
    )
    alone.passes(1)
