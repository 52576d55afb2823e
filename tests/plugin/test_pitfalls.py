"""What would let a test pass that should not, or print what nobody can read."""

from __future__ import annotations

from tests.plugin.running import Project


def test_a_fixture_that_the_test_asks_for_while_it_runs_is_judged_too(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_finding(request):
            intake = request.getfixturevalue("intake")
            request.getfixturevalue("send")("START", job={"namespace": "prod", "name": "load_orders"})

        def test_nothing(request):
            request.getfixturevalue("intake")
        """
    )
    assert ran.outcomes == {"failed": 1, "passed": 1, "errors": 1}


def test_a_test_case_of_unittest_that_fails_by_itself_is_told_once(project: Project) -> None:
    ran = project.run_tests(
        """
        import unittest

        @pytest.mark.usefixtures("intake_env")
        class TestOld(unittest.TestCase):
            def test_it(self):
                self.fail("by itself")
        """
    )
    assert ran.outcomes == {"failed": 1}


def test_words_that_no_event_can_have_are_no_questions(project: Project) -> None:
    ran = project.run_tests(
        """
        import re

        @pytest.mark.parametrize(("name", "value", "known"), [
            ("event_type", "COMPLTE", "START, RUNNING, COMPLETE, FAIL, ABORT, OTHER"),
            ("status", "failed", "ok, warning, error"),
            ("kind", "run", "RunEvent, JobEvent, DatasetEvent"),
        ])
        def test_words(intake, send, name, value, known):
            send()
            for ask in (intake.events, intake.event):
                with pytest.raises(ValueError) as caught:
                    ask(**{name: value})
                assert str(caught.value) == f"{name} is one of {known}, not {value!r}"
            assert intake.events(**{name: re.compile(value)}) == []

        def test_states(intake, send):
            send()
            with pytest.raises(ValueError, match="state is one of START, RUNNING, .*, not 'DONE'"):
                intake.wait_for_run(state="DONE", timeout=0)
        """
    )
    assert ran.outcomes == {"passed": 4}, ran.output


def test_names_from_events_steer_no_terminal_and_are_cut(project: Project) -> None:
    ran = project.run_tests(
        r"""
        NAME = "\x1b[31mred\x1b]0;title\x07\nFAKE: PASSED"

        @pytest.mark.intake(fail_on="never")
        def test_hostile(intake, send):
            send("START", job={"namespace": "prod", "name": NAME})

        def test_large(intake, send):
            send("START", job={"namespace": "prod", "name": "n" * 100_000})
        """
    )
    assert ran.outcomes == {"passed": 1, "failed": 1}
    assert "\x1b[31mred" not in ran.output
    assert "\nFAKE: PASSED" not in ran.output
    assert "n" * 400 in ran.output
    assert "n" * 1_100 not in ran.output
