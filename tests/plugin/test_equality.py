"""Which values are equal: as JSON has them, numbers exactly; and what no event can hold."""

from __future__ import annotations

import re

from tests.plugin.running import Project
from tests.plugin.test_comparing import ROW


def test_members_of_enumerations_uuids_and_tuples_are_compared_as_json_has_them(project: Project) -> None:
    project.passes(
        """
        import uuid
        from openlineage.client.event_v2 import RunState

        RUN = uuid.UUID("5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d")

        def test_it(intake, send):
            send("START"), send("COMPLETE", outputs=[dataset("b"), dataset("a")])
            assert intake.assert_event({"eventType": RunState.COMPLETE, "run": {"runId": RUN}}).event_type == "COMPLETE"
            intake.assert_event({"outputs": ({"name": "b"}, {"name": "a"})})
            intake.assert_event({"outputs": unordered([{"name": "a"}, {"name": "b"}]), "eventType": RunState.COMPLETE})
            intake.assert_events([{"eventType": RunState.START}, {"eventType": RunState.COMPLETE}])
            with pytest.raises(IntakeFailure, match="/eventType: expected 'FAIL', there is 'START'"):
                intake.assert_event({"eventType": RunState.FAIL})
        """
    )


def test_what_no_event_can_hold_is_refused_at_the_call(project: Project) -> None:
    ran = project.run_tests(
        """
        import datetime

        def test_value(intake):
            intake.assert_event({"run": {"facets": [{"at": datetime.date(2026, 1, 2)}]}})

        def test_in_any_order(intake):
            intake.assert_events([{"inputs": unordered([{"name": b"a"}])}], in_order=False)

        def test_no_dict(intake):
            intake.assert_event("COMPLETE")

        def test_no_number(intake):
            intake.assert_event({"run": {"facets": {"share": float("nan")}}})

        def test_no_key(intake):
            intake.assert_event({"run": {1: ABSENT}})
        """
    )
    ends = "; a type, a pattern or satisfying(...) can stand in place of a value"
    never = "an event holds texts, numbers, objects and lists, so this never fits"
    assert ran.messages == [
        f"TypeError: /run/facets/0/at: {never}: datetime.date(2026, 1, 2){ends}",
        f"TypeError: /inputs/0/name: {never}: b'a'{ends}",
        "TypeError: an expected event is a dict of what it is to have, not 'COMPLETE'",
        f"TypeError: /run/facets/share: {never}: nan{ends}",
        "TypeError: /run: the keys of an object are texts, so this never fits: 1",
    ]
    # The way ends where the test made the mistake.
    assert not re.search(r"^\S*mock_intake_pytest/\S+:\d+: ", ran.output, re.MULTILINE)


def test_values_that_differ_in_the_least_are_different(project: Project) -> None:
    """Keys of Debezium's, ids of Iceberg's snapshots, fractions: all of it was equal to the library that shows them."""
    ran = project.run_tests(
        ROW
        + """
    FACET = {"__op": "c", "__deleted": None, "snapshot": 8234567890123456789, "share": 1e-13, "more": 10**20 + 1}

    def test_the_same(intake, send):
        with_row(send, **FACET)
        like(intake, **FACET)
        intake.assert_events([{"inputs": [{"facets": {"acme_x": {**ROW, **FACET}}}]}])
        intake.assert_events([{"inputs": [{"facets": {"acme_x": {**ROW, **FACET}}}]}], in_order=False)

    @pytest.mark.parametrize("other", [
        {"__op": "d"}, {"__deleted": False}, {"__source": ANY}, {"snapshot": 8234567890123456790}, {"share": 0},
        {"more": 10**20}, {"more": 1e20}, {"__op": ABSENT},
    ], ids=str)
    def test_another(intake, send, other):
        with_row(send, **FACET)
        with pytest.raises(IntakeFailure, match=f"/inputs/0/facets/acme_x/{[*other][0]}: "):
            like(intake, **{**FACET, **other})
        whole = {"inputs": [{"facets": {"acme_x": {**FACET, **other}}}]}
        for in_order in (True, False):
            with pytest.raises(IntakeFailure, match=f"/inputs/0/facets/acme_x/{[*other][0]}: "):
                intake.assert_events([whole], in_order=in_order)
    """
    )
    assert ran.outcomes == {"passed": 9}, ran.output


def test_a_type_stands_for_the_numbers_that_equal_those_of_it(project: Project) -> None:
    """3 equals 3.0, in JSON and in Python; so both are whole numbers, and both are numbers."""
    project.passes(
        ROW
        + """
    def test_it(intake, send):
        with_row(send, whole=3, also_whole=3.0, part=3.5, true=True)
        like(intake, whole=3.0, also_whole=3)
        like(intake, whole=int, also_whole=int)
        like(intake, whole=float, also_whole=float, part=float)
        like(intake, true=object, whole=object)
        for facet in ({"part": int}, {"true": int}, {"true": float}, {"whole": str}):
            with pytest.raises(IntakeFailure):
                like(intake, **facet)
    """
    )
