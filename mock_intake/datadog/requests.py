"""The rules of requests: how the intake is addressed, authenticated and given a body."""

from __future__ import annotations

from mock_intake.datadog.sources import AGENT_PROXY, API_KEYS, ASSUMPTIONS, CUSTOM_JOBS, STANDARD_API
from mock_intake.findings import Rule, Severity, Sureness

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
_DOCUMENTED, _SOURCE, _ASSUMED = Sureness.DOCUMENTED, Sureness.SOURCE, Sureness.ASSUMED
_HEADER = "Authorization: Bearer <DD_API_KEY>"

KEY_MISSING = Rule(
    "HT001", "key-missing", _ERROR, "request",
    f"Every request carries {_HEADER}.",
    "Without it the intake does not know whose event it is.",
    f"Send the header {_HEADER}. The Python client takes the key from OPENLINEAGE_API_KEY, its Datadog transport from "
    "DD_API_KEY.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
NOT_BEARER = Rule(
    "HT002", "not-bearer", _ERROR, "request",
    "The Authorization header has the scheme Bearer.",
    "Another scheme is not read.",
    f"Send {_HEADER}. Basic comes from a ~/.netrc entry or from a user name in the URL, which replace the client's own "
    "header.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
KEY_ELSEWHERE = Rule(
    "HT003", "key-in-wrong-place", _ERROR, "request",
    "The API key stands in the Authorization header.",
    "Other Datadog intakes take it elsewhere (DD-API-KEY, a query parameter), this one is documented with Bearer only.",
    f"Send {_HEADER}.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
KEY_UNKNOWN = Rule(
    "HT004", "key-unknown", _ERROR, "request",
    "The API key is a valid one.",
    "Other Datadog intakes answer 403 to a wrong key, and the event is not taken.",
    "Check which key the producer has, and for which site it was made.",
    API_KEYS, _SOURCE,
)  # fmt: skip
KEY_MALFORMED = Rule(
    "HT005", "key-malformed", _WARNING, "request",
    "An API key is 32 hexadecimal digits.",
    "A key of another form is no API key, and would be refused in production.",
    "Copy the key from the API keys page of the organisation, without quotes and blanks.",
    API_KEYS, _DOCUMENTED,
)  # fmt: skip
KEY_IN_URL = Rule(
    "HT006", "key-in-url", _WARNING, "request",
    "The API key is not in the URL.",
    "URLs are logged by every proxy on the way.",
    "Take it out of the URL; the header is enough.",
    CUSTOM_JOBS, _ASSUMED,
)  # fmt: skip
KEY_IN_BODY = Rule(
    "HT007", "key-in-body", _WARNING, "request",
    "The API key is not in the event.",
    "Events are shown to everybody with access to the product, and kept. It has been masked here.",
    "Find what puts it there (environment variables, arguments, SQL), and replace the key.",
    API_KEYS, _ASSUMED,
)  # fmt: skip
CONTENT_TYPE_WRONG = Rule(
    "HT101", "content-type-wrong", _WARNING, "request",
    "Content-Type is application/json.",
    "It is documented so; whether another type is taken is unknown. curl -d sends a form's type by itself.",
    'Send the header Content-Type: application/json (curl: -H "Content-Type: application/json", or --json).',
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
ENCODING_UNSUPPORTED = Rule(
    "HT102", "content-encoding-unsupported", _ERROR, "request",
    "Content-Encoding is gzip, deflate, or absent.",
    "The Datadog transport sends gzip; what else the intake takes is unknown, and what it cannot decode is lost.",
    "Send gzip, or no Content-Encoding and a plain body.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
BODY_NOT_AS_ENCODED = Rule(
    "HT103", "body-not-as-encoded", _ERROR, "request",
    "The body is what Content-Encoding says.",
    "A body that cannot be decoded is no event.",
    "Set Content-Encoding: gzip exactly when the body is gzip.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
BODY_TOO_LARGE = Rule(
    "HT104", "body-too-large", _ERROR, "request",
    "A body is within the intake's limits, on the wire and decoded.",
    "The intake's real limits are unknown; the Agent's is 25 MB, and other Datadog intakes have about 5 MB. "
    "Events over 2 MB are known to get lost on the way.",
    "Leave large facets out (SQL, source code, schemas with thousands of fields), or raise the limit with --max-body.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
BODY_UNCOMPRESSED = Rule(
    "HT105", "large-body-uncompressed", _INFO, "request",
    "Large bodies are compressed.",
    "The Datadog transport always compresses; JSON of this size shrinks to a tenth.",
    "Set compression: gzip on the HTTP transport, or use the Datadog transport.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
BODY_INCOMPLETE = Rule(
    "HT106", "body-incomplete", _ERROR, "request",
    "A request is sent to its end.",
    "The connection ended before the body did, so there is no event.",
    "Look for a time-out or a crash of the producer while it was sending.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
HEAD_TOO_LARGE = Rule(
    "HT107", "head-too-large", _ERROR, "request",
    "The request line and the headers are at most 64 KiB together.",
    "Servers have such a limit; the intake's own is unknown. Beyond it a request is answered 431 before it is read.",
    "Find what makes it grow: cookies, a header that is added to with every attempt, an event in a header or the URL.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
NOT_JSON = Rule(
    "HT201", "not-json", _ERROR, "request",
    "The body is JSON in UTF-8.",
    "What cannot be read is no event.",
    "Serialise the event with a JSON library; look at the place that the message names.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
NOT_AN_OBJECT = Rule(
    "HT202", "not-an-object", _ERROR, "request",
    "The body is one JSON object.",
    "An event is an object.",
    "Send the event itself, not a string or a list that holds it.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
BATCH = Rule(
    "HT203", "batch", _ERROR, "request",
    "Every request carries one event.",
    "The standard's API has a batch endpoint, /api/v1/lineage/batch, which takes an array; Datadog documents none.",
    "Send the events one by one.",
    STANDARD_API, _ASSUMED,
)  # fmt: skip
NUMBER_IMPOSSIBLE = Rule(
    "HT204", "number-impossible", _ERROR, "request",
    "Numbers are JSON numbers that a double can hold.",
    "NaN and Infinity are no JSON, though Python's json writes them.",
    "Send null or leave the field out; json.dumps(..., allow_nan=False) finds such values.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
TOO_DEEP = Rule(
    "HT205", "nested-too-deeply", _ERROR, "request",
    "Objects and arrays are nested at most 200 levels deep.",
    "Parsers have such a limit, so that hostile input cannot exhaust them; the intake's own is unknown.",
    "Flatten the facet that nests so deeply.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
ENDPOINT_UNKNOWN = Rule(
    "HT301", "endpoint-unknown", _ERROR, "request",
    "Events go to /api/v1/lineage.",
    "Nothing else of the host takes events.",
    "Let the URL be https://data-obs-intake.<site> and the endpoint api/v1/lineage.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
METHOD_WRONG = Rule(
    "HT302", "method-wrong", _ERROR, "request",
    "Events are sent with POST.",
    "Other methods carry no event.",
    "Use POST. After a redirect clients turn POST into GET: check the URL for a missing https or a slash too many.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
NOT_HTTP = Rule(
    "HT303", "not-http", _ERROR, "request",
    "The intake speaks HTTP.",
    "Bytes that are no HTTP request cannot be answered in a way that a client understands.",
    "Look at the URL's scheme and port, and at header values with line breaks in them.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip
AGENT_OFF = Rule(
    "HT304", "agent-forwarder-off", _ERROR, "request",
    "The Agent's OpenLineage proxy is switched on and has an API key.",
    "The Agent answers 500 to every event, and clients try again in vain.",
    "Set ol_proxy_config.enabled and api_key (DD_OL_PROXY_CONFIG_ENABLED, DD_API_KEY) for the Agent.",
    AGENT_PROXY, _SOURCE,
)  # fmt: skip
PROXY_REFUSED = Rule(
    "HT305", "proxy-destination-refused", _ERROR, "request",
    "Through the forward proxy only Datadog's intakes are reached.",
    "A test that reaches other hosts is no test of its own; what the producer wanted there is worth knowing.",
    "Allow the host with --proxy-allow HOST if the producer rightly needs it, or name it in NO_PROXY.",
    ASSUMPTIONS, _ASSUMED,
)  # fmt: skip

RULES = (
    KEY_MISSING, NOT_BEARER, KEY_ELSEWHERE, KEY_UNKNOWN, KEY_MALFORMED, KEY_IN_URL, KEY_IN_BODY, CONTENT_TYPE_WRONG,
    ENCODING_UNSUPPORTED, BODY_NOT_AS_ENCODED, BODY_TOO_LARGE, BODY_UNCOMPRESSED, BODY_INCOMPLETE, HEAD_TOO_LARGE,
    NOT_JSON, NOT_AN_OBJECT, BATCH, NUMBER_IMPOSSIBLE, TOO_DEEP, ENDPOINT_UNKNOWN, METHOD_WRONG,
    NOT_HTTP, AGENT_OFF, PROXY_REFUSED,
)  # fmt: skip
