"""What stands in the texts of an event: secrets, and characters that are none (OL201 to OL204, OL301)."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.body.parsing import Path
from mock_intake.openlineage.moments import SECRET_VARIABLE, SURROGATES, OnSecret, SecretVariable
from mock_intake.openlineage.sources import NAMING, RFC_8259
from mock_intake.rules import Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.definition import either
from mock_intake.rules.examples import dataset, facet
from mock_intake.secrets.content import Secret, redact
from mock_intake.secrets.quoting import quoted, quoted_pointer

_SEEN = "Lineage is shown to everybody with access to the product, and events are kept."
_DESCRIPTION = "/job/facets/documentation/description"
_DOCUMENTED = {"/job/facets/documentation": facet("DocumentationJobFacet", "1-1-0", description="Loads orders.")}
_NO_SECRETS = "no secrets in events"


@rule(
    "OL301",
    "lone-surrogate",
    severity=Severity.WARNING,
    requirement="Text is valid Unicode.",
    because="A lone surrogate is valid JSON, but no valid text: most consumers replace it, some drop the event.",
    advice="Decode the text with the right codec before it goes into the event; "
    "in Python, os.fsdecode() and errors='surrogateescape' let such characters in.",
    source=RFC_8259,
    sureness=Sureness.ASSUMED,
    when=SURROGATES,
    given=_DOCUMENTED,
    trigger={_DESCRIPTION: "\ud83d"},
    neighbour={_DESCRIPTION: "\U0001f680"},
)
def lone_surrogate(rule: Rule, path: Path) -> Iterator[Finding]:
    yield rule.found(
        quoted_pointer(*path),
        "text in the event holds lone surrogates, which are no Unicode characters",
        expected="valid Unicode text",
        actual="\\ud800 to \\udfff standing alone",
    )


@rule(
    "OL201",
    "password-in-event",
    severity=Severity.WARNING,
    requirement="No passwords in events: not in dataset URIs, connection strings, SQL or environment variables.",
    because=_SEEN,
    advice="Take the credentials out of the string before it becomes a namespace, name or facet; change the password.",
    source=NAMING,
    sureness=Sureness.ASSUMED,
    when=OnSecret("password"),
    given={"/inputs": [dataset("shop.public.orders")]},
    trigger={"/inputs/0/namespace": "postgres://etl:s3same@db:5432"},
    neighbour={"/inputs/0/namespace": "postgres://etl@db:5432"},
)
def password_in_event(rule: Rule, secret: Secret) -> Iterator[Finding]:
    yield _found(rule, secret)


@rule(
    "OL202",
    "cloud-key-in-event",
    severity=Severity.WARNING,
    requirement="No cloud access keys or signatures in events.",
    because=_SEEN,
    advice="Take it out, and revoke it.",
    source=NAMING,
    sureness=Sureness.ASSUMED,
    when=OnSecret("cloud"),
    given=_DOCUMENTED,
    trigger={_DESCRIPTION: "key AKIAIOSFODNN7EXAMPLE"},
    neighbour={_DESCRIPTION: "key AKIAIOSFODNN7EXAMPL"},
)
def cloud_key_in_event(rule: Rule, secret: Secret) -> Iterator[Finding]:
    yield _found(rule, secret)


@rule(
    "OL203",
    "token-in-event",
    severity=Severity.WARNING,
    requirement="No access tokens in events.",
    because=_SEEN,
    advice="Take it out, and revoke it.",
    source=NAMING,
    sureness=Sureness.ASSUMED,
    when=either(SECRET_VARIABLE, OnSecret("token")),
    given=_DOCUMENTED,
    trigger={_DESCRIPTION: "hf_" + "x1" * 15},
    neighbour={_DESCRIPTION: "hf_" + "x1" * 14},
)
def token_in_event(rule: Rule, secret: Secret | SecretVariable) -> Iterator[Finding]:
    if isinstance(secret, Secret):
        yield _found(rule, secret)
        return
    yield rule.found(
        secret.pointer,
        f"the environment variable {redact(quoted(secret.name))} is sent with its value",
        expected=_NO_SECRETS,
        actual="****",
        advice="Leave it out of the client's environment_variables setting, and replace the secret.",
    )


@rule(
    "OL204",
    "private-key-in-event",
    severity=Severity.WARNING,
    requirement="No private keys in events.",
    because=_SEEN,
    advice="Take it out, and replace the key pair.",
    source=NAMING,
    sureness=Sureness.ASSUMED,
    when=OnSecret("key"),
    given=_DOCUMENTED,
    trigger={_DESCRIPTION: "-----BEGIN PRIVATE KEY-----\nMIIE"},
    neighbour={_DESCRIPTION: "-----BEGIN PUBLIC KEY-----\nMIIE"},
)
def private_key_in_event(rule: Rule, secret: Secret) -> Iterator[Finding]:
    yield _found(rule, secret)


def _found(rule: Rule, secret: Secret) -> Finding:
    return rule.found(
        quoted_pointer(*secret.path),
        f"what looks like {secret.what} stands in the event",
        expected=_NO_SECRETS,
        actual=redact(secret.redacted),
    )
