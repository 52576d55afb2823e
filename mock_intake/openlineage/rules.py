"""The rules of the standard: what each asks for, why it matters, and where it is written down."""

from __future__ import annotations

from mock_intake.findings import Rule, Severity, Sureness

SPEC = "https://openlineage.io/docs/spec/"
OBJECT_MODEL = SPEC + "object-model"
FACETS = SPEC + "facets/"
CUSTOM_FACETS = SPEC + "facets/custom-facets"
CORE_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
DATADOG = "https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/"
RFC_3339 = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_CORE = "An event that the core schema refuses may be dropped after it was taken with a 2xx."


def _event(code: str, name: str, severity: Severity, requirement: str, because: str, advice: str, **more: str) -> Rule:
    source = more.get("source", CORE_SCHEMA)
    sureness = Sureness(more.get("sureness", "documented"))
    return Rule(code, name, severity, "event", requirement, because, advice, source, sureness)


NO_KIND = _event(
    "OL001", "no-kind", _ERROR,
    "An event is a RunEvent (run and job), a JobEvent (job) or a DatasetEvent (dataset).",
    _CORE,
    "Send run and job for a run's life; job alone or dataset alone for what is known without a run.",
    source=OBJECT_MODEL,
)  # fmt: skip
TWO_KINDS = _event(
    "OL002", "two-kinds", _ERROR,
    "An event is of one kind only.",
    "A consumer reads such an event as one of the two, and the other half is lost.",
    "Send two events: one about the run or job, one about the dataset.",
    source=OBJECT_MODEL,
)  # fmt: skip
CORE_VIOLATED = _event(
    "OL003", "core-violation", _ERROR,
    "An event has what the core schema requires, of the types it requires.",
    _CORE,
    "Follow the core schema.",
)  # fmt: skip
REQUIRED_MISSING = _event(
    "OL004", "required-field-missing", _ERROR,
    "The core's required fields are there: eventTime, producer, and the identity of run, job and datasets.",
    _CORE,
    "Add the field.",
)  # fmt: skip
UNKNOWN_EVENT_TYPE = _event(
    "OL005", "unknown-event-type", _ERROR,
    "eventType is START, RUNNING, COMPLETE, ABORT, FAIL or OTHER.",
    "The state of the run would be unknown.",
    "Use one of the six; anything of your own is OTHER.",
    source=SPEC + "run-cycle",
)  # fmt: skip
RUN_ID_NO_UUID = _event(
    "OL006", "run-id-no-uuid", _ERROR,
    "run.runId is a UUID.",
    "Consumers drop events whose run id they cannot read, and Datadog derives trace and span ids from it.",
    "Use str(uuid.uuid4()), or make an id of your own into one with uuid.uuid5().",
)  # fmt: skip
TIME_UNREADABLE = _event(
    "OL007", "time-unreadable", _ERROR,
    "eventTime is an RFC 3339 date-time.",
    "Start and duration of the run come from it.",
    "Write it like 2026-01-31T12:00:00.000Z; in Python datetime.now(timezone.utc).isoformat().",
    source=RFC_3339,
)  # fmt: skip
TIME_WITHOUT_OFFSET = _event(
    "OL008", "time-without-offset", _WARNING,
    "eventTime has a UTC offset.",
    "The vendor's own Python examples leave it out, so Datadog takes it; but whoever reads it has to guess the "
    "zone, and a wrong guess moves the run by hours.",
    "Add the offset: `Z` at the end, or use `datetime.now(timezone.utc).isoformat()`.",
    source=RFC_3339,
)  # fmt: skip
PRODUCER_NO_URI = _event(
    "OL009", "producer-no-uri", _WARNING,
    "producer is a URI that tells what code made the event.",
    "The vendor's own examples have a plain word there, so Datadog takes it; other consumers may not.",
    "Use an absolute URI, for instance the address of the repository and version of the code.",
)  # fmt: skip
SCHEMA_URL_MISSING = _event(
    "OL010", "schema-url-missing", _WARNING,
    "schemaURL tells which version of the standard the event follows.",
    "The vendor's own curl example has none, so Datadog takes it; other consumers may not.",
    "Add \"schemaURL\": \"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent\" "
    "(JobEvent, DatasetEvent for the other kinds).",
)  # fmt: skip
SCHEMA_URL_OTHER_KIND = _event(
    "OL011", "schema-url-of-another-kind", _WARNING,
    "schemaURL names the kind that the event is.",
    "A consumer that goes by schemaURL reads the event as something it is not.",
    "Let schemaURL end in the event's own kind.",
)  # fmt: skip
SCHEMA_URL_UNKNOWN = _event(
    "OL012", "schema-url-unknown", _INFO,
    "schemaURL names a published version of the core schema.",
    "The event is judged by the latest version, which may not be the one it was written for.",
    "Use https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent (or the event's own kind).",
)  # fmt: skip
KIND_NEWER_THAN_CORE = _event(
    "OL013", "kind-unknown-to-core", _ERROR,
    "The core version that schemaURL names knows the event's kind: before 2-0-0 there were run events only.",
    _CORE,
    "Let schemaURL name 2-0-0 or later.",
)  # fmt: skip

FACET_BASE_MISSING = _event(
    "OL101", "facet-base-missing", _ERROR,
    "Every facet has _producer and _schemaURL.",
    "Datadog documents both as needed, and the core schema refuses the event without them.",
    "Add both: _producer as in the event, _schemaURL of the facet's schema. "
    "The Python client's facet classes add them by themselves.",
    source=DATADOG,
)  # fmt: skip
FACET_BASE_NO_URI = _event(
    "OL102", "facet-base-no-uri", _WARNING,
    "A facet's _producer and _schemaURL are URIs.",
    "The core schema refuses the event; what Datadog does then is assumed to be no worse than with the event's own "
    "producer, where its examples show a plain word.",
    "Use absolute URIs.",
    sureness="assumed",
)  # fmt: skip
FACET_INVALID = _event(
    "OL103", "facet-violates-schema", _WARNING,
    "A facet follows the schema that its _schemaURL names, else the latest one of its key.",
    "What Datadog makes of the rest of such a facet is assumed: that it shows less than meant.",
    "Follow the facet's schema.",
    source=FACETS, sureness="assumed",
)  # fmt: skip
FACET_VERSION_UNKNOWN = _event(
    "OL104", "facet-version-unknown", _WARNING,
    "A facet's _schemaURL names a version that was published.",
    "A consumer that goes by the version does not know this one. The facet is judged by its latest version.",
    "Use the version that the message names.",
    source=FACETS,
)  # fmt: skip
FACET_CUSTOM = _event(
    "OL105", "facet-not-checked", _INFO,
    "A custom facet is checked if its schema is at hand.",
    "Nothing is known of this facet but its base fields, so nothing else of it was checked.",
    "Give a directory with its JSON Schema (--facets DIR), or ignore this rule.",
    source=CUSTOM_FACETS,
)  # fmt: skip
FACET_ON_WRONG_ENTITY = _event(
    "OL106", "facet-on-wrong-entity", _WARNING,
    "A facet stands on the entity that it describes.",
    "Nobody looks for it there, so what it says is lost.",
    "Move it to the entity that the message names.",
    source=FACETS,
)  # fmt: skip
FACET_FRAGMENT_WRONG = _event(
    "OL107", "facet-fragment-wrong", _INFO,
    "The fragment of a facet's _schemaURL names the facet's definition.",
    "The version is clear without it; a strict consumer may still stumble.",
    "Let it end in #/$defs/ and the facet's name.",
    source=FACETS,
)  # fmt: skip
FACET_EMPTY = _event(
    "OL108", "facet-empty", _WARNING,
    "A facet says something.",
    "A facet with no content replaces what earlier events of the run said.",
    "Leave the facet out, or fill it.",
    source=FACETS,
)  # fmt: skip
FACET_KEY_OTHER_SCHEMA = _event(
    "OL109", "facet-key-and-schema-differ", _WARNING,
    "Under a key of the standard stands the facet that the standard has there.",
    "A consumer that goes by the key finds something else than it expects.",
    "Put the facet under its own key, or give it the _schemaURL of the key's facet.",
    source=FACETS,
)  # fmt: skip

PASSWORD = _event(
    "OL201", "password-in-event", _WARNING,
    "No passwords in events: not in dataset URIs, connection strings, SQL or environment variables.",
    "Lineage is shown to everybody with access to the product, and events are kept.",
    "Take the credentials out of the string before it becomes a namespace, name or facet; change the password.",
    source=SPEC + "naming", sureness="assumed",
)  # fmt: skip
CLOUD_KEY = _event(
    "OL202", "cloud-key-in-event", _WARNING,
    "No cloud access keys or signatures in events.",
    "Lineage is shown to everybody with access to the product, and events are kept.",
    "Take it out, and revoke it.",
    source=SPEC + "naming", sureness="assumed",
)  # fmt: skip
TOKEN = _event(
    "OL203", "token-in-event", _WARNING,
    "No access tokens in events.",
    "Lineage is shown to everybody with access to the product, and events are kept.",
    "Take it out, and revoke it.",
    source=SPEC + "naming", sureness="assumed",
)  # fmt: skip
PRIVATE_KEY = _event(
    "OL204", "private-key-in-event", _WARNING,
    "No private keys in events.",
    "Lineage is shown to everybody with access to the product, and events are kept.",
    "Take it out, and replace the key pair.",
    source=SPEC + "naming", sureness="assumed",
)  # fmt: skip
SURROGATE = _event(
    "OL301", "lone-surrogate", _WARNING,
    "Text is valid Unicode.",
    "A lone surrogate is valid JSON, but no valid text: most consumers replace it, some drop the event.",
    "Decode the text with the right codec before it goes into the event; "
    "in Python, os.fsdecode() and errors='surrogateescape' let such characters in.",
    source="https://www.rfc-editor.org/rfc/rfc8259#section-8.2", sureness="assumed",
)  # fmt: skip

RULES = (
    NO_KIND, TWO_KINDS, CORE_VIOLATED, REQUIRED_MISSING, UNKNOWN_EVENT_TYPE, RUN_ID_NO_UUID,
    TIME_UNREADABLE, TIME_WITHOUT_OFFSET, PRODUCER_NO_URI, SCHEMA_URL_MISSING, SCHEMA_URL_OTHER_KIND,
    SCHEMA_URL_UNKNOWN, KIND_NEWER_THAN_CORE, FACET_BASE_MISSING, FACET_BASE_NO_URI, FACET_INVALID,
    FACET_VERSION_UNKNOWN, FACET_CUSTOM, FACET_ON_WRONG_ENTITY, FACET_FRAGMENT_WRONG, FACET_EMPTY,
    FACET_KEY_OTHER_SCHEMA, PASSWORD, CLOUD_KEY, TOKEN, PRIVATE_KEY, SURROGATE,
)  # fmt: skip
