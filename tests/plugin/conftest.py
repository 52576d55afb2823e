"""Projects of users, for tests that run pytest inside pytest."""

from __future__ import annotations

import gc
from importlib import import_module

import pytest

from tests.clients import cut_off
from tests.plugin.running import Project

# What is imported when the plugin is used: here once for all, since pytester forgets what was first imported inside,
# and extensions written in Rust (jsonschema's) cannot be imported twice.
for _name in (
    "jsonschema",
    "mock_intake.server.interception",
    "mock_intake.report.renderers",
    "mock_intake.report.report_html",
    "mock_intake_pytest.comparing",
    "mock_intake_pytest.environment",
    "mock_intake_pytest.session",
    "tests.plugin.inside",
    "trustme",
    "uvloop",
):
    import_module(_name)


@pytest.fixture(scope="package", autouse=True)
def _little_to_look_through() -> None:
    """The plugin looks for clients through all objects where a test failed; here those of thousands of tests before."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    cut_off(monkeypatch, pytester.path)
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)
