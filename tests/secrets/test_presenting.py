"""What stands in place of names and values that hold secrets: readable, the same every time, and telling apart."""

from __future__ import annotations

import json

import pytest

from mock_intake.files.recordings import Recorded
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.secrets.presenting import (
    may_have_to_hide,
    presented,
    presented_json,
    presented_value,
    stands_for,
)
from tests.events import run_event
from tests.openlineage.made_up_secrets import MadeUp, made_up_secrets

SECRETS = made_up_secrets()
NAME = "postgres://user:hunter2@db:5432"
SHOWN = "postgres://user:****@db:5432~0724"


def test_only_the_secret_is_taken_out_of_a_name() -> None:
    assert presented(NAME) == SHOWN
    assert presented("postgres://db:5432") == "postgres://db:5432"


def test_names_that_differ_in_their_secrets_alone_stay_two() -> None:
    assert presented(NAME) != presented("postgres://user:hunter3@db:5432")


def test_names_in_findings_stay_two_as_well() -> None:
    """The job changes within a run, from one with a password in its name to one with another."""
    check = Check(Judge())
    jobs = [{"namespace": "prod", "name": NAME.replace("hunter2", password)} for password in ("hunter2", "hunter3")]
    events = [run_event("START", job=jobs[0]), run_event("COMPLETE", job=jobs[1])]
    recorded = [Recorded("events", number, json.dumps(event).encode()) for number, event in enumerate(events, 1)]
    for _ in check.check(recorded):
        pass
    found = [finding for _, findings in check.run_results() for finding in findings if finding.code == "RC201"]
    assert found
    assert SHOWN in str(found[0].expected)
    assert presented(jobs[1]["name"]) in str(found[0].actual)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.what)
def test_what_is_shown_is_shown_as_it_is(secret: MadeUp) -> None:
    for text in (secret.text, f"warehouse {secret.text}", f"{secret.text} and more", f"x={secret.text}"):
        shown = presented(text)
        assert not secret.leaks_into(shown)
        assert presented(shown) == shown
        assert stands_for(shown, text)
        assert not stands_for(text, text)


def test_keys_and_values_at_any_depth() -> None:
    value = {"run": {NAME: [{"name": NAME, "n": 1}]}, "plain": [True, None, 1.5, "x"]}
    assert presented_value(value) == {
        "run": {SHOWN: [{"name": SHOWN, "n": 1}]},
        "plain": [True, None, 1.5, "x"],
    }


def test_an_environment_variable_is_a_secret_by_its_name() -> None:
    variables = [{"name": "DB_PASSWORD", "value": "opensesame"}, {"name": "PATH", "value": "/bin"}, "odd"]
    shown = presented_value({"environmentVariables": {"environmentVariables": variables}})
    first, *rest = shown["environmentVariables"]["environmentVariables"]
    assert first["value"].startswith("****~")
    assert rest == variables[1:]
    assert presented_value(shown) == shown


def test_json_keeps_its_form_but_for_secrets() -> None:
    text = '{ "a":1.50,  "name": "postgres:\\/\\/user:hunter2@db:5432",\n "b": "\\u00e9", "a": 2e0 }'
    assert presented_json(text) == f'{{ "a":1.50,  "name": "{SHOWN}",\n "b": "\\u00e9", "a": 2e0 }}'
    assert presented_json(text.replace("hunter2", "****")) == text.replace("hunter2", "****")


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.what)
def test_json_and_what_is_none_hold_no_secret(secret: MadeUp) -> None:
    text = json.dumps({"facets": {secret.text: [secret.text]}, "after": "all of this"})
    assert may_have_to_hide(text)
    shown = presented_json(text)
    assert not secret.leaks_into(shown)
    assert json.loads(shown)["after"] == "all of this"
    assert not secret.leaks_into(presented_json(f"{{'{secret.text}'"))
