"""What a body that is no JSON looks like: how it was probably made, and what to do about that.

Pure functions of bytes. Where nothing is clear nothing is said: a hint at a cause that is not there is worse than none.
"""

from __future__ import annotations

from mock_intake.body.mixed import begins_with_request
from mock_intake.body.parsing import ParseError
from mock_intake.system.patterns import pattern_of

FORKED = (
    "Two processes write to one connection, as after a fork: make a client per process, after fork, and do not use one "
    "that has sent before."
)
_LOOKED_AT = 65_536
_UNUSED_IN_1252 = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_TO_UTF_8 = (
    "PowerShell: -ContentType 'application/json; charset=utf-8'; Java: getBytes(StandardCharsets.UTF_8); Python: "
    "json.dumps(event).encode()."
)
_UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
# A name, and a value that is more than the filling at the end of base64.
_FORM = pattern_of(rb"[\w.%+\[\]-]{1,100}=[^=\s]")


def is_like_json(body: bytes) -> bool:
    """Whether a body begins as an object or a list does."""
    return body.lstrip()[:1] in (b"{", b"[")


def advice_on(body: bytes, error: ParseError) -> str | None:
    """What to do about a body that was probably made in a way that we know."""
    if not body:
        return "Send the event as the body. With curl: -d @event.json (and @- for standard input)."
    if begins_with_request(body):
        return FORKED
    if body.startswith(b"\xef\xbb\xbf"):
        return "Write the body without a byte order mark (utf-8, not utf-8-sig)."
    if body.startswith(_UTF_32):
        return "Encode the body as UTF-8; this looks like UTF-32."
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00{" in body[:4] or b"{\x00" in body[:4]:
        return "Encode the body as UTF-8; this looks like UTF-16."
    if error.reason == "encoding" and (looks := _encoding_of(body)):
        return f"Encode the body as UTF-8; this looks like {looks}. {_TO_UTF_8}"
    if body.startswith(b"--") or _FORM.match(body):
        return "This looks like a form. Send the event itself as the body, with Content-Type: application/json."
    if error.reason == "syntax" and b"'" in body[:20]:
        return "This looks like a Python dict printed with str(); use json.dumps()."
    if error.reason == "syntax" and "Extra data" in error.message and is_like_json(body):
        return "These are several JSON values one after another, as in NDJSON: send each event in a request of its own."
    return None


def _encoding_of(body: bytes) -> str | None:
    """The encoding of one byte a character in which a body that is no UTF-8 seems to be; None where that is not clear.

    What tells: single bytes beyond ASCII, which are letters or signs there, between text that is ASCII.
    """
    beginning = body[:_LOOKED_AT]
    beyond = [byte for byte in beginning if byte > 0x7F] or [byte for byte in body if byte > 0x7F][:_LOOKED_AT]
    if not is_like_json(body) or len(beyond) * 3 > len(beginning):
        return None
    if any(byte in _UNUSED_IN_1252 for byte in beyond):
        return None
    return "Windows-1252" if any(byte < 0xA0 for byte in beyond) else "ISO-8859-1 (Latin-1)"
