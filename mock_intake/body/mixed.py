"""Bodies that are parts of other requests: what two processes make that write to one connection.

A client that has sent before ``fork()`` shares its connection with the child. Heads and bodies of both then stand one
in another: the head of the one is read as the body of the other, and what is left is no request at all.
"""

from __future__ import annotations

from mock_intake.system.patterns import pattern_of

_REQUEST_LINE = pattern_of(rb"[A-Z]{3,7} [!-~]{1,2000} HTTP/1\.[01]\r?\n")
# Meant as a request line, however wrong it is.
_MEANT_AS_ONE = pattern_of(rb"[A-Za-z]+ +\S+( +\S+)?\r?\n")
_HEADER_LINE = pattern_of(rb"[A-Za-z][A-Za-z-]{0,60}: [^\r\n]{0,2000}\r\n")
# Fields of an event, which stand in no head.
_FIELD = pattern_of(rb'"(eventTime|eventType|runId|producer|_producer|schemaURL|_schemaURL|namespace)"\s*:')
# What is looked through (bytes): a head stands near the beginning.
_SEARCHED = 4096


def begins_with_request(body: bytes) -> bool:
    """Whether ``body`` begins as an HTTP request does."""
    return body[:1].isupper() and _REQUEST_LINE.match(body[:_SEARCHED]) is not None


def is_part_of_request(data: bytes) -> bool:
    """Whether ``data``, which is no request, is the rest of a head or a body, or holds the lines of one further on."""
    beginning = data[:_SEARCHED]
    if _MEANT_AS_ONE.match(beginning):
        return False
    if not beginning.startswith(b"{") and _FIELD.search(beginning):
        return True
    return _REQUEST_LINE.search(beginning) is not None or _HEADER_LINE.search(beginning) is not None
