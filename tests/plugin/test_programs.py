"""The small programs of tests/settings by the plugin: all events come to their test, none to production."""

from __future__ import annotations

import json

import pytest

from mock_intake import IntakeServer
from tests.plugin.running import Project
from tests.settings.test_programs import WAYS, command, path_of, production


def test_programs_that_production_leads_send_here(
    server: IntakeServer, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    surroundings = {way: production(way, server.url, project.path) for way in WAYS}
    ran = project.run_tests(
        f"""
        COMMANDS = {json.dumps({way: command(way) for way in WAYS})}
        SURROUNDINGS = {json.dumps(surroundings)}

        @pytest.fixture
        def production(way, monkeypatch):
            for name, value in SURROUNDINGS[way].items():
                monkeypatch.setenv(name, value)

        @pytest.mark.parametrize(("way", "intake_path"), {[(way, path_of(way)) for way in WAYS]})
        def test_it(way, production, intake, intake_env):
            subprocess.run(COMMANDS[way], check=True)
            events = intake.events()
            assert [event.job.namespace for event in events] == ["my_ns", "my_ns"]
            assert len(intake.events()) == 2
        """
    )
    assert ran.outcomes == {"passed": len(WAYS)}, ran.output
    assert server.journal.position == 0
