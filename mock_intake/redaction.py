"""Finds secrets in event content, and takes them out of what is quoted from it.

Passwords in URIs and connection strings, cloud keys, tokens, private keys.

A recording of events is copied around, and a lineage backend shows them to everybody. One regular
expression that covers all patterns is run over the whole text by the Rust engine inside ``jsonschema-rs``
(some hundred times faster than ``re``); only where it hits are the strings looked at one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs

from mock_intake.findings import Finding

_ASSIGNED = r"(?i:password|passwd|pwd|secret|access_token|api[_-]?key)="
# Both engines read these patterns alike; so there are no word boundaries in them, which the engines see differently,
# and which an escape such as \n hides. The order is the order of explanation: the first that matches tells.
PATTERNS: tuple[tuple[str, str, str], ...] = (
    ("key", "a private key", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY"),
    ("cloud", "an AWS access key id", r"(?:AKIA|ASIA)[0-9A-Z]{16}"),
    ("cloud", "a Google API key", r"AIza[0-9A-Za-z_-]{35,}"),
    ("cloud", "an Azure storage key", r"(?:AccountKey|SharedAccessKey)=[0-9A-Za-z+/]{30,}"),
    ("cloud", "an Azure SAS signature", r"[?&]sig=[0-9A-Za-z%+/]{30,}"),
    ("cloud", "an AWS signature", r"X-Amz-Signature=[0-9a-f]{64}"),
    ("token", "a GitHub token", r"(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{50,})"),
    ("token", "a GitLab token", r"glpat-[0-9A-Za-z_-]{20,}"),
    ("token", "a Slack token", r"xox[abeprs]-[0-9A-Za-z-]{10,}"),
    ("token", "a Stripe key", r"[rs]k_live_[0-9A-Za-z]{16,}"),
    ("token", "a Databricks token", r"dapi[0-9a-f]{32}"),
    ("token", "a Hugging Face token", r"hf_[0-9A-Za-z]{30,}"),
    ("token", "a JSON Web Token", r"eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]+"),
    ("token", "a bearer token", r"[Bb]earer [0-9A-Za-z._~+/-]{20,}"),
    ("password", "a password in a URI", r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^/\s:@\"'?#]*:[^/\s@\"'?#]+@"),
    ("password", "a password in a connection string", rf"{_ASSIGNED}[^&;\s\"'\\]{{3,}}"),
)
# What every match of a pattern holds, but for the passwords: those need an "@" or an assignment.
_TRACES = (
    *("PRIVATE KEY", "AKIA", "ASIA", "AIza", "AccountKey=", "AccessKey=", "sig=", "Signature="),
    *(
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xox",
        "k_live_",
        "dapi",
        "hf_",
        "eyJ",
        "earer ",
    ),
)
_PLACEHOLDER = re.compile(
    r"(?i)[=:]?(?:\*+\w{0,4}|x+|<[^>]*>|\$\{[^}]*\}|\$\w+|\{\{?[^}]*\}?\}|%\w+%|\[?redacted\]?|masked|hidden|\.\.\.+)@?"
)
_MAX_SHOWN = 120
_COMPILED = tuple((family, what, re.compile(pattern)) for family, what, pattern in PATTERNS)
# A private key is all that follows its first line.
_PRIVATE_KEY = re.compile(r"(?s)-----BEGIN [A-Z ]{0,20}PRIVATE KEY.*")
_ANY = "|".join(f"(?:{pattern})" for _, _, pattern in PATTERNS)


class Secret(NamedTuple):
    """A secret in an event: of which family, what it seems to be, where, and the text with it taken out."""

    family: str
    what: str
    path: tuple[str | int, ...]
    redacted: str


def _rust_search(pattern: str) -> Callable[[str], bool]:
    """Whether a pattern is nowhere in a text, by the regular expression engine inside ``jsonschema-rs``."""
    schema = {"not": {"pattern": pattern}}
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions()).is_valid


@cache
def _no_secret_in() -> Callable[[str], bool]:
    return _rust_search(_ANY)


@cache
def _no_trace_in() -> Callable[[str], bool]:
    return _rust_search("|".join(re.escape(literal) for literal in _TRACES))


@cache
def _no_assignment_in() -> Callable[[str], bool]:
    return _rust_search(_ASSIGNED)


def may_hold_secrets(text: str) -> bool:
    """Whether it is worth walking the strings of an event; False only when no pattern can match.

    ``text`` is the body as sent. Escapes can hide a pattern from the look at the whole (``\\/`` in a
    URI, any ``\\u``), so a body with such escapes is always walked. For all others cheap looks come first:
    at letters that every pattern needs.
    """
    if "\\" in text and ("\\u" in text or "\\/" in text):
        return True
    if "@" not in text and _no_trace_in()(text) and ("=" not in text or _no_assignment_in()(text)):
        return False
    # An escape such as \\n stands for a character that a pattern may well go over.
    return "\\" in text or not _no_secret_in()(text)


def secrets_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Secret]:
    """The secrets in all strings of a parsed event, keys included."""
    if type(value) is dict:
        for key, item in value.items():
            yield from _secrets_in_text(key, (*path, key))
            yield from secrets_in(item, (*path, key))
    elif type(value) is list:
        for index, item in enumerate(value):
            yield from secrets_in(item, (*path, index))
    elif type(value) is str:
        yield from _secrets_in_text(value, path)


def _secrets_in_text(text: str, path: tuple[str | int, ...]) -> Iterator[Secret]:
    families: set[str] = set()
    for family, what, pattern in _COMPILED:
        if family not in families and any(not _is_placeholder(match) for match in pattern.finditer(text)):
            families.add(family)
            yield Secret(family, what, path, redact(text)[:120])


def _is_placeholder(match: re.Match[str]) -> bool:
    text = match.group()
    if "://" in text:
        return _PLACEHOLDER.fullmatch(text.split("://", 1)[1].partition(":")[2]) is not None
    if "=" in text:
        return _PLACEHOLDER.fullmatch(text.partition("=")[2]) is not None
    return False


def redact(text: str) -> str:
    """The text with every secret in it replaced by ``****``."""
    try:
        if _no_secret_in()(text):
            return text
    except UnicodeEncodeError:  # lone surrogates, which the Rust engine cannot take
        pass
    text = _PRIVATE_KEY.sub("****", text)
    for _, _, pattern in _COMPILED:
        text = pattern.sub(_mask, text)
    return text


def redacted(finding: Finding) -> Finding:
    """A finding that quotes no secret, whatever place it was made from."""
    return finding._replace(
        pointer=_redacted_pointer(finding.pointer),
        message=redact(finding.message),
        expected=None if finding.expected is None else redact(finding.expected),
        actual=None if finding.actual is None else redact(finding.actual),
        advice=redact(finding.advice),
    )


def _redacted_pointer(pointer: str) -> str:
    # Slashes in keys are escaped in a JSON Pointer, so each key is looked at by itself.
    if not pointer.startswith("/"):
        return redact(pointer)
    keys = (key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/"))
    return "/".join(redact(key).replace("~", "~0").replace("/", "~1") for key in keys)


def _mask(match: re.Match[str]) -> str:
    text = match.group()
    if _is_placeholder(match):
        return text
    if "://" in text:
        scheme, _, rest = text.partition("://")
        return f"{scheme}://{rest.partition(':')[0]}:****@"
    if "=" in text:
        return text.partition("=")[0] + "=****"
    return "****"


def shown(value: Any) -> str:
    """A value as findings quote it: JSON, cut to a readable length, with secrets taken out."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = str(type(value).__name__)
    text = redact(text)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
