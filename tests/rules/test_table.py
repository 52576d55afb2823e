"""Rules as literals, families as tables, and when which rule speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from mock_intake.judging import catalogue
from mock_intake.model.event import EventView
from mock_intake.rules import (
    ABSENT,
    DatasetName,
    FacetView,
    Finding,
    JudgingRule,
    OnEvent,
    OnFacet,
    OnName,
    OnRun,
    Rule,
    RuleError,
    Severity,
    Sureness,
    rule,
)
from mock_intake.rules.definition import Family, Stage, Table, When, rules_in
from mock_intake.rules.events import LONGEST_SHAPE, MOST_SHAPES, EventRules
from mock_intake.rules.examples import Repeated, changed, example_events, good_event, in_words
from tests.events import base, dataset, dataset_event, job_event, job_type, run_event

Body = dict[str, Any]
PLACE: Stage[str] = Stage("a place", "request")


def made(code: str, when: Any, function: Callable[..., Any] | None = None, **words: Any) -> JudgingRule[Any]:
    """A rule that says of whatever it is given that it was given it, unless a function says otherwise."""

    def seen(rule: Rule, view: Any) -> Iterator[Finding]:
        yield rule.found(view.at() if isinstance(view, FacetView) else "", type(view).__name__)

    text: dict[str, Any] = {
        "name": "one-wanted", "requirement": "There is one.", "because": "It is wanted.", "advice": "Add one.",
        "source": "https://acme.example", "severity": Severity.INFO, "sureness": Sureness.ASSUMED,
        "trigger": {}, "neighbour": {}, **words,
    }  # fmt: skip
    return rule(code, text.pop("name"), when=when, **text)(function or seen)


# The literal.


def test_a_function_is_given_the_words_and_the_view_and_makes_findings_of_its_rule() -> None:
    each = made("ACME001", PLACE, lambda rule, place: [rule.found(place, "it is there")], severity=Severity.WARNING)
    [finding] = each.check("here")
    assert (finding.code, finding.pointer, finding.message) == ("ACME001", "here", "it is there")
    assert (finding.severity, finding.subject, finding.advice) == (Severity.WARNING, "request", "Add one.")


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        ("acme1", {}, "'acme1' is no code of a rule"),
        ("ACME", {}, "'ACME' is no code of a rule"),
        ("ACME-1", {}, "'ACME-1' is no code of a rule"),
        ("ACME1", {"because": " "}, "the rule ACME1 has no because"),
        ("ACME1", {"advice": ""}, "the rule ACME1 has no advice"),
        ("ACME1", {"name": ""}, "the rule ACME1 has no name"),
    ],
)
def test_a_literal_that_lacks_something_is_refused(code: str, words: Body, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        made(code, PLACE, **words)


def test_a_rule_that_never_speaks_is_refused() -> None:
    with pytest.raises(RuleError, match="the rule ACME1 says not when it speaks"):
        made("ACME1", ())


@pytest.mark.parametrize("missing", ["trigger", "neighbour"])
def test_a_rule_without_an_example_cannot_be_written(missing: str) -> None:
    words = {"trigger": {}, "neighbour": {}, "severity": Severity.INFO, "sureness": Sureness.ASSUMED}
    del words[missing]
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{missing}'"):
        rule("ACME1", "x", requirement="x", because="x", advice="x", source="x", when=PLACE, **words)  # type: ignore[arg-type]


# Tables.


def test_rules_are_listed_by_code_and_speak_in_the_order_in_which_they_are_written() -> None:
    table = Table([made("ACME2", PLACE), made("ACME1", PLACE), made("ACME3", OnRun())])
    assert list(table) == ["ACME1", "ACME2", "ACME3"]
    assert [finding.code for finding in table.judge(PLACE, "here")] == ["ACME2", "ACME1"]
    assert table.reason(PLACE, "here").code == "ACME2"
    assert table.at(Stage("a place", "request")) == ()


def test_two_rules_with_one_code_are_refused() -> None:
    with pytest.raises(RuleError, match="two rules have the code ACME1"):
        Table([made("ACME1", PLACE), made("ACME1", OnRun())])


def module_with(*rules: JudgingRule[Any], name: str = __name__) -> ModuleType:
    module = ModuleType(name)
    vars(module).update({f"rule_{number}": each for number, each in enumerate(rules)})
    return module


def test_a_family_has_the_rules_that_its_modules_define_and_none_that_they_import() -> None:
    mine = made("ACME1", PLACE)
    assert list(Family("ACME", "Acme's", [module_with(mine)])) == ["ACME1"]
    assert rules_in(module_with(mine, name="another")) == []


def test_a_rule_of_another_family_is_refused() -> None:
    with pytest.raises(RuleError, match="the rule ACMEX1 stands among those of the family ACME"):
        Family("ACME", "Acme's", [module_with(made("ACMEX1", PLACE))])


def test_every_rule_of_the_catalogue_stands_in_a_family_and_can_speak() -> None:
    for family in catalogue.OWN:
        assert len(family) > 5
        for each in family.values():
            assert all(each in family.at(when.moment) for when in each.when)
    assert [code for family in catalogue.OWN for code in family] == list(catalogue.RULES)


# Which rules are called for an event.


def calls(event: Body, *moments: When[Any]) -> list[str]:
    """At which of the moments, by number, rules are called for an event, in order, and with what."""
    rules = EventRules(made(f"ACME{number}", when) for number, when in enumerate(moments))
    return [
        f"{finding.code[4:]} {finding.message} {finding.pointer}".strip() for finding in rules.judge(EventView(event))
    ]


def test_kinds_are_told_apart() -> None:
    moments = [OnEvent(), OnEvent(("RunEvent",)), OnEvent(("JobEvent", "DatasetEvent")), OnEvent((None,))]
    assert calls(run_event(), *moments) == ["0 EventView", "1 EventView"]
    assert calls(job_event(), *moments) == ["0 EventView", "2 EventView"]
    assert calls(dataset_event(), *moments) == ["0 EventView", "2 EventView"]
    assert calls({}, *moments) == ["0 EventView", "3 EventView"]


@pytest.mark.parametrize(
    ("event_type", "called"), [("FAIL", ["0", "2"]), (None, ["1", "2"]), ("START", ["2"]), ("start", ["2"])]
)
def test_types_are_told_apart(event_type: str | None, called: list[str]) -> None:
    moments = [OnEvent(types=("FAIL", "ABORT")), OnEvent(types=(None,)), OnEvent()]
    assert [call[0] for call in calls(run_event(event_type), *moments)] == called


def with_facets(run: Body | None = None, **job: Any) -> Body:
    event = run_event(job={"namespace": "prod", "name": "load", "facets": job})
    event["run"]["facets"] = run or {}
    return event


def test_a_facet_is_looked_for_on_its_entity() -> None:
    moments = [OnFacet("tags", "run"), OnFacet("tags", "job"), OnFacet("sql", "job")]
    assert calls(with_facets(tags={}), *moments) == ["1 FacetView /job/facets/tags"]
    assert calls(with_facets(run={"tags": {}}, sql={}), *moments) == [
        "0 FacetView /run/facets/tags",
        "2 FacetView /job/facets/sql",
    ]


def test_facets_of_datasets_are_looked_for_in_their_places() -> None:
    one = {**dataset("a.b.c"), "facets": {"x/y": {}}, "inputFacets": {"z": {}}}
    other = {**dataset("a.b.d"), "outputFacets": {"z": {}, "x/y": {}}}
    moments = [OnFacet("z", "input"), OnFacet("z", "output"), OnFacet("x/y", "dataset")]
    assert calls(run_event(inputs=[one], outputs=[other]), *moments) == [
        "2 FacetView /inputs/0/facets/x~1y",
        "0 FacetView /inputs/0/inputFacets/z",
        "1 FacetView /outputs/0/outputFacets/z",
    ]
    assert calls(dataset_event(dataset=one), *moments) == ["2 FacetView /dataset/facets/x~1y"]


@pytest.mark.parametrize("content", [None, 7, "text", []])
def test_what_is_no_object_reads_as_an_empty_facet(content: Any) -> None:
    def content_of(rule: Rule, facet: FacetView) -> list[Finding]:
        return [rule.found(facet.at(), repr(facet.content))]

    rules = [made("ACME1", OnFacet("sql", "job"), content_of), made("ACME2", OnFacet("schema", "dataset"), content_of)]
    event = {**with_facets(sql=content), "inputs": [dataset("a.b.c", schema=content)]}
    assert [finding.message for finding in EventRules(rules).judge(EventView(event))] == ["{}", "{}"]


@pytest.mark.parametrize(("job", "lacks"), [({}, True), ({"sql": 7}, True), ({"sql": {}}, False), ({"tags": {}}, True)])
def test_what_is_missing_is_told_where_no_such_object_is(job: Body, lacks: bool) -> None:
    assert calls(with_facets(**job), OnEvent(lacks=("job", "sql"))) == ["0 EventView"] * lacks


@pytest.mark.parametrize("value", [None, "OTHER", 7, [], {}, ["JOB"], True])
def test_a_field_calls_unless_it_holds_what_it_usually_does(value: Any) -> None:
    moment = OnFacet("jobType", "job", field="jobType", unless=("JOB", "TASK"))
    assert calls(with_facets(jobType=job_type(jobType=value)), moment) == ["0 FacetView /job/facets/jobType"]
    assert calls(with_facets(jobType=job_type(jobType="TASK")), moment) == []
    on_dataset = OnFacet("x", "dataset", field="y", unless=("z",))
    assert calls(run_event(inputs=[dataset("a.b.c", x={"y": value})]), on_dataset) == ["0 FacetView /inputs/0/facets/x"]
    assert calls(run_event(inputs=[dataset("a.b.c", x={"y": "z"})]), on_dataset) == []


def test_rules_of_one_facet_speak_together_where_the_first_of_them_stands() -> None:
    moments = [OnFacet("sql", "job"), OnEvent(), OnFacet("tags", "job"), OnFacet("sql", "job"), OnEvent()]
    assert [call[0] for call in calls(with_facets(tags={}, sql={}), *moments)] == ["0", "3", "1", "2", "4"]


def test_a_name_is_judged_once_and_told_of_wherever_it_stands() -> None:
    judged: list[DatasetName] = []

    def judge(rule: Rule, name: DatasetName) -> list[Finding]:
        judged.append(name)
        return [rule.found("/name", f"it is {name.name}")] if name.name == "a" else []

    rules = EventRules([made("ACME1", OnName(), judge)])
    named = [dataset("a"), dataset("b"), {"namespace": "n"}, {"name": 7, "namespace": "n"}, dataset("a")]
    for _ in range(2):
        findings = rules.judge(EventView(run_event(outputs=named)))
        assert [finding.pointer for finding in findings] == ["/outputs/0/name", "/outputs/4/name"]
    assert judged == [DatasetName("postgres://db:5432", "a"), DatasetName("postgres://db:5432", "b")]


def test_rules_of_other_moments_are_passed_over() -> None:
    assert calls(run_event(), OnRun(), PLACE) == []


def test_what_comes_in_many_shapes_fills_no_memory() -> None:
    rules = EventRules([made("ACME1", OnFacet("sql", "job"))])
    for number in range(2 * MOST_SHAPES):
        event = EventView(with_facets(**{f"facet_{number}": {}}, sql={}))
        assert len(rules.judge(event)) == 1
        assert len(rules._plans) <= MOST_SHAPES
    before = len(rules._plans)
    for long in (with_facets(**{"x" * LONGEST_SHAPE: {}}, sql={}), {**with_facets(sql={}), "eventType": "x" * 5000}):
        assert len(rules.judge(EventView(long))) == 1
        assert len(rules._plans) == before


# Examples.


def test_an_example_changes_a_copy_and_makes_what_is_on_the_way() -> None:
    event = {"a": [{"b": 1}], "c~d": {"e/f": 2}}
    assert changed(event, {"/a/0/b": ABSENT, "/c~0d/e~1f": 3, "/g/h": [4], "/a/0/i": {}}) == {
        "a": [{"i": {}}],
        "c~d": {"e/f": 3},
        "g": {"h": [4]},
    }
    assert event == {"a": [{"b": 1}], "c~d": {"e/f": 2}}
    assert changed({"a": [1, 2]}, {"/a/1": 3}) == {"a": [1, 3]}
    with pytest.raises(ValueError, match="/a/b leads nowhere"):
        changed({"a": 7}, {"/a/b": 1})


def test_the_good_event_is_good() -> None:
    from tests.rules.examples_judged import found_in_event

    assert found_in_event(good_event()) == ()
    assert good_event() is not good_event()


def test_the_example_of_a_request_is_no_event() -> None:
    with pytest.raises(ValueError, match="the example of HT001 is a request"):
        example_events(catalogue.JUDGING["HT001"], {})


@pytest.mark.parametrize(
    ("when", "words", "sentence"),
    [
        (OnEvent(), {"trigger": {"/a": 1}, "neighbour": {"/a": "b"}}, 'found if `/a` is `1`, and not if it is `"b"`.'),
        (OnEvent(), {"trigger": {"/a": ABSENT}}, "found if `/a` is absent, and not in the event as it is."),
        (
            OnEvent(),
            {"given": {"/a": base("X", "1")}, "trigger": {"/a": 1}, "neighbour": {"/b": 1}},
            "where `/a` is `{}`, it is found if `/a` is `1`, and not if `/b` is `1`.",
        ),
        (
            OnEvent(),
            {"given": {"/a": 1}, "trigger": {"/b": Repeated("x", 4000)}},
            'where `/a` is `1`, it is found if `/b` is 4,000 times `"x"`, and not otherwise.',
        ),
        (
            OnEvent(),
            {"trigger": {"/b": "x" * 300}},
            f'found if `/b` is `"{"x" * 59}...` (302 characters), and not in the event as it is.',
        ),
        (
            OnRun(),
            {
                "trigger": ({"/eventType": "FAIL", "/eventTime": "2026-11-01T12:00:09Z", "/b": 1},),
                "neighbour": ({"/eventType": "START", "/eventTime": "2026-11-01T12:00:00Z"},),
            },
            "found in FAIL at 9 s whose `/b` is `1`; not in START at 0 s.",
        ),
    ],
)
def test_an_example_is_told_in_words(when: Any, words: Body, sentence: str) -> None:
    assert in_words(made("ACME1", when, **words)) == sentence
