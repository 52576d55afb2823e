"""Tests whose code is set to a real Datadog site."""

from __future__ import annotations

from pathlib import Path

from tests.interception.reaches_the_real_site import HOST
from tests.plugin.running import Project

PRODUCER = Path(__file__).parent.parent / "interception" / "reaches_the_real_site.py"


def test_a_test_whose_code_is_set_to_the_real_site_fails_for_that(project: Project) -> None:
    """In process, and in a child; what it swallows is told all the same."""
    ran = project.run_tests(
        f"""
        from tests.interception.reaches_the_real_site import tried

        def test_in_process(intake, send):
            send()
            assert "real site" in tried("urllib")

        def test_in_a_child(intake_env, send):
            send()
            subprocess.run([sys.executable, {str(PRODUCER)!r}, "socket", "socket"], check=True)

        def test_expected(intake, send):
            send()
            tried("socket")
            intake.expect_finding("HT306", times=1)

        def test_beside_it(intake, send):
            send()

        def test_without_the_intake():
            assert "real site" not in tried("gethostbyname")
        """
    )
    assert ran.outcomes == {"failed": 2, "passed": 3}, ran.output
    for name in ("test_in_process", "test_in_a_child"):
        assert f"HT306 error: the producer connects to {HOST}, the real intake; it was stopped" in ran.told(name)
        assert f"in CONNECT {HOST}:443 -> no answer, at request" in ran.told(name)
