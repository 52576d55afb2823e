"""A wrong key fails a test, unless it is expected; one that may be another test's is told with how to find out."""

from __future__ import annotations

from tests.plugin.running import Project


def test_a_wrong_key_can_be_expected(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.intake(events=0)
        def test_expected(intake, send):
            send(key="0" * 32)
            send(key="0" * 32)  # another attempt
            intake.expect_finding("HT004", times=1)

        def test_one_of_two(intake, send):
            intake.expect_finding("HT004")
            send()
            send("COMPLETE", key="0" * 32)

        @pytest.mark.intake(events=0)
        def test_of_what_was_not_taken_only_the_request_counts(intake, send):
            send(job={"namespace": "prod", "name": "load"}, key="0" * 32)
            intake.expect_finding("DD101")

        @pytest.mark.intake(events=0)
        def test_after(intake):
            intake.expect_finding("HT004")
        """
    )
    assert ran.outcomes == {"passed": 2, "failed": 2}, ran.output
    assert ran.told("test_of_what_was_not_taken_only_the_request_counts").startswith(
        "The test expects the finding DD101; it was not made.\n\n"
    )
    assert ran.told("test_after").startswith("The test expects the finding HT004; it was not made.\n\n")


def test_a_wrong_key_that_may_be_another_tests_is_told_with_how_to_test_it(project: Project) -> None:
    project.conftest(
        """
        @pytest.fixture
        def another(_intake_session):
            # As with a plugin that runs tests side by side in one process.
            opened = _intake_session.host.open("another")[0]
            yield
            _intake_session.host.close(opened)
        """
    )
    message = project.failure(
        """
        @pytest.mark.intake(events=0)
        def test_it(intake, another, send):
            send(key="0" * 32)
            intake.expect_finding("HT004")
            assert "HT004" in [finding.code for finding in intake.refused[0].findings]
        """
    )
    assert message.startswith(
        "The test expects the finding HT004; it was not made. It was made once on a request with no test's key, which "
        "may be another test's, for several were running. Test such a request with intake.refused.\n\n"
    )
