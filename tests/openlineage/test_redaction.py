"""Secrets in events are found, and nothing that is said about an event quotes them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mock_intake.judging.judgement import Judge
from mock_intake.model.findings import Finding
from mock_intake.secrets.content import PATTERNS, may_hold_secrets, plainly, redact, secrets_in, shown
from tests.events import PRODUCER, RUN_ID, base, dataset, job_type, run_event
from tests.openlineage.made_up_secrets import MadeUp, made_up_secrets

SECRETS = made_up_secrets()
CODES = {"password": "OL201", "cloud": "OL202", "token": "OL203", "key": "OL204"}
PLACEHOLDERS = (
    "****", "*", "xxxx", "XXXXXX", "<password>", "${PASSWORD}", "$PASSWORD", "{{ vault.password }}", "{password}",
    "%PASSWORD%", "[REDACTED]", "redacted", "masked", "hidden", "...",
)  # fmt: skip
JUDGE = Judge()

one_of_each = [next(secret for secret in SECRETS if secret.what == what) for _, what, _ in PATTERNS]
any_secret = st.sampled_from(SECRETS)
each_secret = pytest.mark.parametrize(
    "secret", SECRETS, ids=[f"{secret.what} {number}" for number, secret in enumerate(SECRETS)]
)
each_pattern = pytest.mark.parametrize("secret", one_of_each, ids=lambda secret: secret.what)


each_pattern_of_all = pytest.mark.parametrize(
    "pattern", [pattern for _, _, pattern in PATTERNS], ids=[what for _, what, _ in PATTERNS]
)


def found_in(value: Any) -> list[tuple[str, str]]:
    return [(secret.family, secret.what) for secret in secrets_in(value)]


def test_there_is_a_made_up_secret_for_every_pattern() -> None:
    assert {(secret.family, secret.what) for secret in SECRETS} == {(family, what) for family, what, _ in PATTERNS}


@each_secret
def test_every_pattern_finds_its_secret_and_takes_it_out(secret: MadeUp) -> None:
    (found,) = secrets_in({"job": [{"name": secret.text}]})
    assert (found.family, found.what, found.path) == (secret.family, secret.what, ("job", 0, "name"))
    for text in (found.redacted, redact(secret.text), shown(secret.text), shown({"name": [secret.text]})):
        assert "****" in text
        assert not secret.leaks_into(text)


@pytest.mark.parametrize("around", [" {} ", "\n{}\n", "\t{}\t", '"{}"', "({})", "select '{}' from b", "\u00b7{}"])
def test_a_secret_is_found_and_taken_out_wherever_it_stands_in_a_text(around: str) -> None:
    for secret in SECRETS:
        text = around.replace("{}", secret.text)
        event = run_event(job={"namespace": "prod", "name": text})
        assert (secret.family, secret.what) in found_in(event)
        assert may_hold_secrets(json.dumps(event)), text
        assert may_hold_secrets(json.dumps(event, ensure_ascii=False)), text
        for taken_out in (redact(text), shown(text), shown({"sql": text}), shown({text: 1})):
            assert not secret.leaks_into(taken_out), taken_out


@each_secret
def test_two_secrets_in_one_text_are_both_taken_out(secret: MadeUp) -> None:
    for other in one_of_each:
        text = f"{other.text} {secret.text}"
        assert not secret.leaks_into(redact(text)), other.what
        assert not other.leaks_into(redact(text)), other.what


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize("form", ["postgres://etl:{}@db:5432", "password={}", "Server=db;Pwd={};Port=1", "api_key={}"])
def test_a_placeholder_is_no_secret(form: str, placeholder: str) -> None:
    text = form.replace("{}", placeholder)
    assert found_in(text) == []
    assert redact(text) == text


@each_secret
def test_a_placeholder_does_not_hide_the_secret_beside_it(secret: MadeUp) -> None:
    text = f"postgres://etl:****@db/a password=${{PASSWORD}} {secret.text}"
    assert (secret.family, secret.what) in found_in(text)
    assert not secret.leaks_into(redact(text))
    assert "postgres://etl:****@db/a password=${PASSWORD}" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgres://db:5432", "postgres://etl@db:5432/shop", "https://acme.example:8443/a@b", "git@github.com:acme/etl",
        "arn:aws:iam::123456789012:role/etl", "s3://bucket/key", "mailto:etl@acme.example", RUN_ID, "password=",
        "token", "select password from users", "Bearer", "the secret of our success", "sk_test", "eyJ", "AKIA",
        "ghp_", "hf_x",
        "https://acme.example/data?sig=short", "snowflake://acme-prod", "user:name@host", "12:30 @ noon",
        "jdbc:sqlserver://db:1433;user=etl", "-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----",
    ],
)  # fmt: skip
def test_what_only_looks_a_little_like_a_secret_is_none(text: str) -> None:
    assert found_in({"name": text, text: "name"}) == []
    assert redact(text) == text


# Text around a secret: anything, and often what JSON or regular expressions treat in a way of their own.
surroundings = st.one_of(
    st.text(max_size=6),
    st.text('\n\t\r\b\f\\"/ =@:?&;._-éß²\u0301\u200d\x1c\x85\u2028\ufffd', max_size=4),
)
json_forms = st.sampled_from(["ascii", "unicode", "slashes"])


def as_json(value: Any, form: str) -> str:
    """JSON as one or another producer writes it: all of them mean the same value."""
    text = json.dumps(value, ensure_ascii=form == "ascii")
    return text.replace("/", "\\/") if form == "slashes" else text


@given(secret=any_secret, before=surroundings, after=surroundings, as_key=st.booleans(), form=json_forms)
@example(secret=SECRETS[4], before="a\n", after="", as_key=False, form="unicode")
@example(secret=SECRETS[4], before="\u0301", after="", as_key=False, form="unicode")
@example(secret=SECRETS[-1], before="", after="\\", as_key=True, form="unicode")
def test_the_quick_look_never_misses_what_the_slow_walk_finds(
    secret: MadeUp, before: str, after: str, as_key: bool, form: str
) -> None:
    text = before + secret.text + after
    value: Any = {"inputs": [{text: 1} if as_key else text]}
    if found_in(value):
        assert may_hold_secrets(as_json(value, form))
        assert may_hold_secrets(plainly(as_json(value, form), value))


@given(text=st.text('password=ecrtPWD_-&;"\\\n\b\x1c\u212a\u017f abc', max_size=24), form=json_forms)
@example(text="password=a\bcd", form="unicode")
@example(text="pa\u017f\u017fword=abcdef", form="unicode")
def test_the_quick_look_never_misses_an_assignment(text: str, form: str) -> None:
    if found_in(text):
        assert may_hold_secrets(as_json(text, form))
        assert may_hold_secrets(plainly(as_json(text, form), text))


@given(
    text=st.text('://@:ab\\\b\n"\x00', max_size=16), before=st.sampled_from(["", "https://a:", "x\\://b\\:c", "pwd="])
)
@example(before="https://a:", text="b\\nc@")
@example(before="https://a:", text="\bc@")
@example(before="https://a:", text="\\\\@")
@example(before="pwd=", text="\b\b\b")
def test_the_quick_look_never_misses_what_has_escapes_in_it(before: str, text: str) -> None:
    value = {"url": before + text}
    if found_in(value):
        assert may_hold_secrets(plainly(json.dumps(value), value))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT *\nFROM users -- ask data@acme.example",
        'WHERE password = ""\n',
        "C:\\etl\\a.sql @ noon",
        "h\u00e9 @ caf\u00e9",
    ],
)
def test_text_that_only_looks_like_a_secret_is_not_walked_through(text: str) -> None:
    for form in ("ascii", "unicode", "slashes"):
        assert not may_hold_secrets(plainly(as_json({"query": text}, form), {"query": text}))


@pytest.mark.parametrize("others", [0, 1, 15, 16, 17, 40])
def test_a_password_is_found_behind_however_many_addresses_of_mail(others: int) -> None:
    mails = [f"team{number}@acme.example" for number in range(others)]
    uri = "postgres://etl:hunter2@db:5432"
    for text in (json.dumps({"owners": mails, "url": uri}), json.dumps(" ".join([*mails, uri])), "".join(mails) + uri):
        assert may_hold_secrets(text)
    assert not may_hold_secrets(json.dumps({"url": "https://acme.example", "owners": mails[:15]}))


@each_pattern_of_all
@given(data=st.data())
@settings(max_examples=25)
def test_no_pattern_goes_over_the_end_of_a_string_or_of_a_line(pattern: str, data: st.DataObject) -> None:
    """So that all strings of an event can be searched at once, in its JSON text or with line ends between them."""
    matched = data.draw(st.from_regex(pattern, fullmatch=True))
    assert '"' not in matched
    assert not set(matched) & set("\n\r")


@given(st.text("ABKISabyz0189", min_size=1, max_size=19))
@example("AKIA" + "A" * 15)
def test_no_secret_is_a_short_word(text: str) -> None:
    assert not any(re.search(pattern, text) for _, _, pattern in PATTERNS)
    assert redact(text) == text


# What the patterns are made of, put together at random: what is found is what they say, however it is looked for.
pieces = st.sampled_from(
    [
        *("eyJ", "eyJaaaaaaaaaa", "aaaaaaaaaaaa", ".", "://", "a://", "x", "postgres", "1", "+", ":", "/", "@", "user"),
        *(
            "p w",
            "password=",
            "Secret=",
            "api-key=",
            "api_key=",
            "pa\u017f\u017fword=",
            "=",
            "abc",
            "ab",
            ";",
            "&",
            "\n",
        ),
        *('"', "'", "#", "?", "a" * 31, "1" * 31, "\u00e9", "Bearer ", "&sig=", "AKIA", "-----BEGIN ", "PRIVATE KEY"),
    ]
)


@given(st.lists(pieces, max_size=14).map("".join))
@example("1://user:abc@")
@example("a" + "1" * 30 + "://user:abc@")
@example("a" + "1" * 31 + "://user:abc@")
@example("a://x://user:abc@")
@example("eyJaaaaaaaaaaeyJaaaaaaaaaa.eyJaaaaaaaaaa.eyJaaaaaaaaaa.x")
def test_what_is_found_is_what_the_patterns_say(text: str) -> None:
    assume(not any(placeholder in text for placeholder in ("=x", ":x")))
    said = {family for family, _, pattern in PATTERNS if re.search(pattern, text)}
    assert {family for family, _ in found_in(text)} == said
    assert (redact(text) == text) == (not said)


@given(secret=any_secret, before=surroundings, after=surroundings)
@example(secret=SECRETS[4], before="\u0301", after="")
@example(secret=SECRETS[4], before="a\n", after="\n")
def test_what_is_found_is_taken_out(secret: MadeUp, before: str, after: str) -> None:
    text = before + secret.text + after
    if (secret.family, secret.what) in found_in(text):
        assert not secret.leaks_into(redact(text))
        assert not secret.leaks_into(shown(text))
        assert not secret.leaks_into(shown({text: [text]}))
        assert found_in(redact(text)) == []


def leaking(secret: MadeUp, findings: tuple[Finding, ...]) -> list[tuple[str, str, str | None]]:
    """Where findings quote a secret: the code, the field of the finding, and what it says."""
    return [
        (finding.code, name, value)
        for finding in findings
        for name, value in finding.to_dict().items()
        if isinstance(value, str) and (secret.leaks_into(value) or secret.leaks_into(plain(value)))
    ]


def plain(pointer: str) -> str:
    return pointer.replace("~1", "/").replace("~0", "~")


def lineage(**source: Any) -> dict[str, Any]:
    fields = {"total": {"inputFields": [{"namespace": "postgres://db:5432", "name": "a.b.c", "field": "d", **source}]}}
    return {**base("ColumnLineageDatasetFacet", "1-0-1"), "fields": fields}


def on_run(**facets: Any) -> dict[str, Any]:
    return run_event(run={"runId": RUN_ID, "facets": facets})


def on_job(**facets: Any) -> dict[str, Any]:
    return run_event("COMPLETE", job={"namespace": "prod", "name": "load", "facets": {"jobType": job_type(), **facets}})


def on_output(**facets: Any) -> dict[str, Any]:
    return run_event("COMPLETE", outputs=[dataset(**facets)])


def tagged(name: str, **tag: Any) -> dict[str, Any]:
    return {"tags": {**base(name, "1-0-0"), "tags": [{"key": "a", "value": "b", "source": "USER", **tag}]}}


def secret_places(text: str) -> dict[str, dict[str, Any]]:
    """Events with a text at every sort of place of which some rule has something to say."""
    sql = {**base("SQLJobFacet", "1-0-0"), "query": f"copy a from b\n{text}\n"}
    parameter = {"key": "a", text: "b"}
    metrics = {**base("DataQualityMetricsDatasetFacet", "1-0-0"), "columnMetrics": {text: 3, "b": {"count": text}}}
    return {
        "namespace": run_event("COMPLETE", outputs=[dataset(namespace=text)]),
        "namespace and name of an input": run_event("COMPLETE", inputs=[dataset(namespace=text, name=text)]),
        "namespace that is no URI": run_event(inputs=[dataset(namespace=f"warehouse {text}", name="a")]),
        "name": run_event("COMPLETE", outputs=[dataset(name=f"a.b.c.{text}")]),
        "job name": run_event("FAIL", job={"namespace": text, "name": text}),
        "eventTime": run_event(eventTime=text),
        "eventType": run_event(text),
        "producer": run_event(producer=text),
        "schemaURL": run_event(schemaURL=f"https://acme.example/{text}"),
        "runId": run_event(run={"runId": text}),
        "inputs of the wrong type": run_event(inputs=text),
        "a field of the event": {text: 1},
        "a field among others": {**run_event(), text: text, "job": {text: 1}},
        "sql": on_job(sql=sql),
        "sql of the wrong type": on_job(sql={**sql, "query": [text]}),
        "integration": on_job(jobType=job_type(integration=text, processingType=text, jobType=text)),
        "facet key": on_run(**{text: {"a": 1}}),
        "facet that is no object": on_run(**{text: text}),
        "_schemaURL": on_job(sql={**sql, "_schemaURL": f"https://acme.example/{text}"}),
        "_producer": on_job(sql={**sql, "_producer": text}),
        "closed object": on_run(
            executionParameters={**base("ExecutionParametersRunFacet", "1-0-0"), "parameters": [parameter]}
        ),
        "map": on_output(dataQualityMetrics=metrics),
        "enum": on_output(
            lifecycleStateChange={**base("LifecycleStateChangeDatasetFacet", "1-0-1"), "lifecycleStateChange": text}
        ),
        "column lineage": on_output(columnLineage=lineage(namespace=text, name=text)),
        "column lineage of the wrong type": on_output(columnLineage=lineage(field={text: text})),
        "job tag": on_job(**tagged("TagsJobFacet", key=text, source=text)),
        "run tag": on_run(**tagged("TagsRunFacet", key=text, value=text)),
        "tags that are no array": on_job(tags={**base("TagsJobFacet", "1-0-0"), "tags": text}),
        "dataset tag that lacks its value": on_output(
            tags={**base("TagsDatasetFacet", "1-0-0"), "tags": [{text: text}]}
        ),
        "parent": on_run(
            parent={**base("ParentRunFacet", "1-0-1"), "run": {"runId": text}, "job": {"namespace": text, "name": 3}}
        ),
    }


@pytest.mark.parametrize("place", secret_places(""))
def test_no_finding_quotes_a_secret(place: str) -> None:
    """In no field: not where it stands, not in what is advised, not as a part of a pointer."""
    for secret in SECRETS:
        event = secret_places(secret.text)[place]
        for form in ("ascii", "unicode", "slashes"):
            findings = JUDGE.judge(as_json(event, form).encode(), "org").findings
            assert CODES[secret.family] in [finding.code for finding in findings], secret.what
            assert leaking(secret, findings) == [], (secret.what, form)


@each_pattern
def test_no_finding_quotes_a_secret_beside_a_lone_surrogate(secret: MadeUp) -> None:
    for place, event in secret_places(f"\ud800 {secret.text}").items():
        findings = JUDGE.judge(json.dumps(event).encode(), "org").findings
        assert {"OL301", CODES[secret.family]} <= {finding.code for finding in findings}, place
        assert leaking(secret, findings) == [], place


@pytest.mark.parametrize(
    "body",
    [
        '{"sql": "SECRET" oops}',
        '{"sql": "SECRET", oops}',
        '{"sql": "SECRET"',
        '{"sql": "SECRET", "rows": NaN}',
        "{'sql': 'SECRET'}",
        "SECRET",
        '["SECRET"]',
        '"SECRET"',
        '{"sql": "SECRET\x00"}',
    ],
)
def test_what_is_said_of_an_unreadable_body_quotes_no_secret(body: str) -> None:
    """Not even its end, where the excerpt begins in the middle of it."""
    for secret in SECRETS:
        written = json.dumps(secret.text)[1:-1]
        findings = JUDGE.judge(body.replace("SECRET", written).encode(), "org").findings
        assert findings
        assert leaking(secret, findings) == [], secret.what


def test_what_is_said_of_a_body_with_a_broken_character_quotes_no_secret() -> None:
    for secret in SECRETS:
        findings = JUDGE.judge(b'{"sql": "' + secret.text.encode() + b'\xff"}', "org").findings
        assert findings
        assert leaking(secret, findings) == [], secret.what


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "aws_secret_access_key", "GITHUB_TOKEN", "DD_API_KEY", "MY_PRIVATE_KEY"]
)
def test_the_value_of_an_environment_variable_with_a_telling_name_is_a_secret(name: str) -> None:
    value = "correcthorse"
    variables = [{"name": "HOME", "value": "/home/etl"}, {"name": name, "value": value}]
    facet = {**base("EnvironmentVariablesRunFacet", "1-0-0"), "environmentVariables": variables}
    findings = JUDGE.judge(json.dumps(on_run(environmentVariables=facet)).encode(), "org").findings
    (finding,) = [finding for finding in findings if finding.code == "OL203"]
    assert finding.pointer == "/run/facets/environmentVariables/environmentVariables/1/value"
    assert finding.message == f"the environment variable {name} is sent with its value"
    assert not any(value in str(finding) for finding in findings)


def test_what_else_is_said_of_a_secret_variable_does_not_quote_it_and_other_variables_are_quoted() -> None:
    """Also where their numbers begin alike: 1 and 10."""
    variables = [{"name": "DB_PASSWORD" if number == 1 else "HOME", "value": 1000 + number} for number in range(12)]
    facet = {**base("EnvironmentVariablesRunFacet", "1-0-0"), "environmentVariables": variables}
    findings = JUDGE.judge(json.dumps(on_run(environmentVariables=facet)).encode(), "org").findings
    place = "/run/facets/environmentVariables/environmentVariables"
    quoted = {finding.pointer: finding.actual for finding in findings if finding.code != "OL203"}
    assert (quoted[f"{place}/1/value"], quoted[f"{place}/10/value"]) == ("****", "1010")
    assert [finding.pointer for finding in findings if finding.code == "OL203"] == [f"{place}/1/value"]


def test_the_finding_tells_family_place_and_the_text_around() -> None:
    password = "".join(["ho", "rse", "battery"])
    event = run_event(inputs=[dataset(namespace=f"postgres://etl:{password}@db:5432")])
    findings = JUDGE.judge(json.dumps(event).encode(), "org").findings
    (finding,) = [finding for finding in findings if finding.code == "OL201"]
    assert finding.pointer == "/inputs/0/namespace"
    assert finding.message == "what looks like a password in a URI stands in the event"
    assert (finding.expected, finding.actual) == ("no secrets in events", "postgres://etl:****@db:5432")
    assert finding.advice.startswith("Take the credentials out of the string before it becomes a namespace")
    assert finding.violates is None
    assert PRODUCER in json.dumps(event)
