"""Events are compared in part, with matchers; what differs is shown against the nearest."""

from __future__ import annotations

from tests.plugin.running import Project, pinned

ROW = """
    ROW = {"_producer": "https://x.example", "_schemaURL": "https://x.example/s.json"}

    def with_row(send, **facet):
        send("START", inputs=[dataset("a.b.c", acme_x={**ROW, **facet})])

    def like(intake, **facet):
        intake.assert_event({"inputs": [{"facets": {"acme_x": facet}}]})
"""


def test_what_the_expected_event_does_not_name_may_be_anything(project: Project) -> None:
    project.passes(
        """
        def test_it(intake, send):
            send("START", inputs=[dataset("a.b.c", schema=schema("id", "name")), dataset("a.b.d")])
            send("RUNNING")
            assert intake.assert_event({}).event_type == "START"
            assert intake.assert_event({"eventType": "RUNNING"}).event_type == "RUNNING"
            intake.assert_event({"eventType": "START", "run": {"facets": {}}, "job": {"name": "load_orders"}})
            intake.assert_event({"inputs": [{"name": "a.b.c"}, {"name": "a.b.d"}]})
            fields = [{"name": "id"}, {"name": "name"}]
            intake.assert_event({"inputs": [{"facets": {"schema": {"fields": fields}}}, {}]})
        """
    )


def test_matchers_stand_for_what_is_not_known_before(project: Project) -> None:
    project.passes(
        """
        def test_it(intake, send):
            row = {"_producer": "https://x.example", "_schemaURL": "https://x.example/s.json",
                   "count": 3, "share": 0.5, "good": True, "nothing": None, "list": [1, 2, 3], "mixed": [{"a": 1}, "b"]}
            send("START", inputs=[dataset("a.b.c", acme_x=row), dataset("a.b.d")])

            def like(**facet):
                intake.assert_event({"inputs": [{"facets": {"acme_x": facet}}, ANY]})

            like(count=ANY, good=ANY, list=ANY)
            like(count=int, share=float, good=bool, list=list, mixed=[dict, str], _producer=str)
            like(_producer=re.compile("^https://"), other=ABSENT)
            like(list=unordered([3, 1, int]), mixed=unordered(["b", {"a": ANY}]))
            like(count=satisfying(lambda count: count > 2), list=[1, satisfying(lambda n: n % 2 == 0), 3])
            like(count=3.0, share=0.5, nothing=None)
            intake.assert_event({"inputs": unordered([{"name": "a.b.d"}, {"name": re.compile("c$")}])})

            def unlike(**facet):
                with pytest.raises(IntakeFailure):
                    like(**facet)

            unlike(other=ANY)
            unlike(count=str)
            unlike(good=int)
            unlike(count=bool)
            unlike(count=re.compile("3"))
            unlike(count=ABSENT)
            unlike(nothing=ABSENT)
            unlike(list=unordered([1, 2]))
            unlike(list=unordered([1, 1, 2]))
            unlike(list=[1, 2])
            unlike(list=[1, 3, 2])
            unlike(count=True)
            unlike(good=1)
            unlike(good=1.0)
            unlike(nothing=False)
            unlike(list=[True, 2, 3])
            unlike(count=satisfying(lambda count: count.startswith("3")))
            unlike(share=0.25)
            unlike(nothing=ANY, other=1)
            unlike(mixed=[{"a": 1, "b": 2}, "b"])
        """
    )


def test_unordered_lists_find_whatever_goes_together(project: Project) -> None:
    """The first expected element fits both that are there, the second only one of them."""
    project.passes(
        """
        def test_it(intake, send):
            send("START", inputs=[dataset("a.b.c"), dataset("a.b.d")])
            intake.assert_event({"inputs": unordered([{"name": str}, {"name": "a.b.c"}])})
            send("RUNNING")
            events = intake.assert_events([{"eventType": str}, {"eventType": "START"}], in_order=False)
            assert [event.event_type for event in events] == ["RUNNING", "START"]
            assert len(intake.assert_events([{"eventType": "START"}, {"eventType": "RUNNING"}])) == 2
        """
    )


def test_an_event_that_is_not_as_expected_is_shown_against_the_nearest(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_values(intake, send):
            send("START", inputs=[dataset("a.b.c", schema=schema("id")), dataset("a.b.d")])
            send("RUNNING", job={"namespace": "prod", "name": "other", "facets": {"jobType": job_type()}})
            intake.assert_event({
                "eventType": "START",
                "job": {"name": "clean_orders", "facets": {"jobType": {"integration": ABSENT}}},
                "inputs": [{"name": "a.b.c", "facets": {"schema": {"fields": [{"name": "id", "type": int}, ANY]}}}],
                "run": {"runId": re.compile("^0"), "facets": {"parent": {"run": ANY}}},
                "producer": satisfying(lambda text: text.endswith(".git"), "a git repository"),
                "outputs": unordered([{"name": "a.b.e"}]),
            })

        def test_keys_with_slashes(intake, send):
            send("START")
            intake.assert_event({"job": {"facets": {"a/b~c": 1}}})

        def test_function(intake, send):
            def even(number): return number % 2 == 0
            send("START")
            intake.assert_event({"eventTime": satisfying(even)})

        def test_none(intake, send):
            send(b"{")
            intake.assert_event({"eventType": "START"})

        def test_long(intake, send):
            send("START")
            intake.assert_event({"job": {f"key{number}": "x" * 300 for number in range(25)}})
        """
    )
    assert ran.told("test_values") == pinned(
        """
        No event is as expected.

        The nearest is START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok); what is different:
          /inputs/0/facets/schema/fields/0/type: expected int, there is 'VARCHAR'
          /inputs/0/facets/schema/fields/1: missing, expected ANY
          /inputs/1: not expected, there is {'namespace': 'postgres://db:5432', 'name': 'a.b.d', 'facets': {}}
          /job/facets/jobType/integration: not expected, there is 'CUSTOM'
          /job/name: expected 'clean_orders', there is 'load_orders'
          /outputs: expected unordered([{'name': 'a.b.e'}]), there is []
          /producer: expected a git repository, there is 'https://github.com/acme/etl'
          /run/facets/parent: missing, expected {'run': ANY}
          /run/runId: expected re.compile('^0'), there is '5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d'

        2 events arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. RUNNING, prod / other, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_keys_with_slashes") == pinned(
        """
        No event is as expected.

        The nearest is START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok); what is different:
          /job/facets/a~1b~0c: missing, expected 1

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_function") == pinned(
        """
        No event is as expected.

        The nearest is START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok); what is different:
          /eventTime: expected satisfying(even), there is '2026-11-01T12:00:00.000Z'

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_none") == pinned(
        """
        Expected an event; none arrived.

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 400
            HT201 error: the body is no JSON: Expecting property name enclosed in double quotes at line 1 column 2
              advice:   Serialise the event with a JSON library; look at the place that the message names.
        """
    )
    lines = ran.told("test_long").splitlines()
    assert lines[3] == f"  /job/key0: missing, expected '{'x' * 196}..."
    assert lines[3 + 20] == "  and 5 more"


def test_events_that_are_not_as_expected_are_told_one_by_one(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_different(intake, send):
            send("START")
            send("FAIL")
            intake.assert_events([{"eventType": "START"}, {"eventType": "COMPLETE", "outputs": [ANY]}])

        def test_wrong_order(intake, send):
            send("COMPLETE")
            send("START")
            intake.assert_events([{"eventType": "START"}, {"eventType": "COMPLETE"}])

        def test_too_few(intake, send):
            send("START")
            intake.assert_events([{"eventType": "START"}, {"eventType": "COMPLETE"}])

        def test_too_many(intake, send):
            send("START")
            send("COMPLETE")
            intake.assert_events([{"eventType": "START"}])

        def test_any_order(intake, send):
            send("START")
            send("RUNNING")
            send("FAIL")
            wanted = [{"eventType": "COMPLETE"}, {"eventType": "START"}, {"eventType": str}]
            intake.assert_events(wanted, in_order=False)

        def test_any_order_too_few(intake, send):
            send("START")
            intake.assert_events([{"eventType": "START"}, {"eventType": str}], in_order=False)

        def test_any_order_too_many(intake, send):
            send("START")
            send("COMPLETE")
            intake.assert_events([{"eventType": "COMPLETE"}], in_order=False)

        def test_nothing(intake, send):
            send(key="0" * 32)
            intake.assert_events([{"eventType": "COMPLETE"}])
        """
    )
    assert ran.told("test_different") == pinned(
        """
        Expected 2 events, in this order.

        Event 2, FAIL, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok), is different:
          /eventType: expected 'COMPLETE', there is 'FAIL'
          /outputs/0: missing, expected ANY

        2 events arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. FAIL, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_wrong_order") == pinned(
        """
        Expected 2 events, in this order.

        Event 1, COMPLETE, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok), is different:
          /eventType: expected 'START', there is 'COMPLETE'

        Event 2, START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok), is different:
          /eventType: expected 'COMPLETE', there is 'START'

        2 events arrived:
          1. COMPLETE, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_too_few") == pinned(
        """
        Expected 2 events, in this order; 1 arrived.

        Event 2 is missing: {'eventType': 'COMPLETE'}

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_too_many") == pinned(
        """
        Expected 1 event; 2 arrived.

        Not expected: COMPLETE, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)

        2 events arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. COMPLETE, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_any_order") == pinned(
        """
        Expected 3 events, in any order.

        Expected event 1 is missing; nearest is FAIL, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok):
          /eventType: expected 'COMPLETE', there is 'FAIL'

        3 events arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. RUNNING, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          3. FAIL, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_any_order_too_few") == pinned(
        """
        Expected 2 events, in any order; 1 arrived.

        Expected event 2 is missing: {'eventType': str}

        1 event arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_any_order_too_many") == pinned(
        """
        Expected 1 event; 2 arrived.

        Not expected: START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)

        2 events arrived:
          1. START, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
          2. COMPLETE, prod / load_orders, run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d (ok)
        """
    )
    assert ran.told("test_nothing") == pinned(
        """
        Expected 1 event; none arrived.

        Event 1 is missing: {'eventType': 'COMPLETE'}

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 403
            HT004 error: the API key ****0000 is not known here
              advice:   Check which key the producer has, and for which site it was made.
          The key of this test is intake.api_key; intake_env leads clients here with it.
        """
    )


def test_events_in_any_order_are_found_in_a_time_that_grows_as_they_do(project: Project) -> None:
    """400 took half a minute, and lists in which many had to change places ended in a RecursionError."""
    project.passes(
        ROW
        + """
    @pytest.mark.intake(ignore="OL,DD,RC,DS")
    def test_it(intake, send):
        for number in range(400):
            send("RUNNING", inputs=[dataset(f"a.b.{number % 50}", schema=schema("id", f"name_{number}"))])
        expected = [event.body for event in intake.events()]
        before = time.process_time()
        assert len(intake.assert_events(expected[::-1], in_order=False)) == 400
        expected[7] = {**expected[7], "eventType": "FAIL"}
        with pytest.raises(IntakeFailure, match="Expected event 8 is missing; nearest is RUNNING, "):
            intake.assert_events(expected, in_order=False)
        # Some 0.1 s.
        assert time.process_time() - before < 5

    def test_a_list(intake, send):
        with_row(send, list=list(range(1_200)))
        chain = [satisfying(lambda value, n=n: value in (n, n - 1)) for n in range(1, 1_200)]
        like(intake, list=unordered([*chain, 0]))
    """,
        tests=2,
    )


def test_of_many_differences_the_first_are_told_and_the_rest_counted(project: Project) -> None:
    ran = project.run_tests(
        """
        def test_in_order(intake, send):
            for number in range(30):
                send("RUNNING", eventTime=f"2026-11-01T12:00:{number:02}Z")
            intake.assert_events([{"eventType": "START"}] * 30)

        def test_in_any_order(intake, send):
            for number in range(30):
                send("RUNNING", eventTime=f"2026-11-01T12:00:{number:02}Z")
            intake.assert_events([{"eventType": "START"}] * 30, in_order=False)

        def test_too_few(intake, send):
            send("START")
            intake.assert_events([{"eventType": "START"}] * 30)

        def test_too_many(intake, send):
            for number in range(30):
                send("RUNNING", eventTime=f"2026-11-01T12:00:{number:02}Z")
            intake.assert_events([{"eventType": "RUNNING"}])
        """
    )
    for test, told, rest in (
        ("test_in_order", "is different:", "And 10 more are different."),
        ("test_in_any_order", "is missing; nearest is", "And 10 more are missing."),
        ("test_too_few", " is missing: ", "And 9 more are missing."),
        ("test_too_many", "Not expected: ", "And 9 more are not expected."),
    ):
        assert ran.told(test).count(told) == 20
        assert rest in ran.told(test).splitlines()


def test_a_difference_in_the_depth_is_shown(project: Project) -> None:
    """As deep as the intake takes it: the library that leads there calls itself several times for each level."""
    message = project.failure(
        ROW
        + """
    def nested(leaf, levels):
        return leaf if not levels else [{"in": nested(leaf, levels - 2)}]

    def test_it(intake, send):
        with_row(send, deep=nested(1, 190))
        like(intake, deep=nested(2, 190))
    """
    )
    assert f"/inputs/0/facets/acme_x/deep{'/0/in' * 95}: expected 2, there is 1"[:600] in message
