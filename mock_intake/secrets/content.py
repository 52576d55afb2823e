"""Finds secrets in event content, and takes them out of what is quoted from it.

Passwords in URIs and connection strings, cloud keys, tokens, private keys.

A recording of events is copied around, and a lineage backend shows them to everybody. One regular
expression that covers all patterns is run over the whole text by the Rust engine inside ``jsonschema-rs``
(some hundred times faster than ``re``); only where it hits are the strings looked at one by one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import orjson
from msgspec.structs import replace

from mock_intake.model.findings import Finding
from mock_intake.system.patterns import pattern_of

_ASSIGNED = r"(?i:password|passwd|pwd|secret|access_token|api[_-]?key)="
_LOGIN = r"://[^/\s:@\"'?#]*:[^/\s@\"'?#]+@"
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
    ("password", "a password in a URI", r"[A-Za-z][A-Za-z0-9+.-]{0,30}" + _LOGIN),
    ("password", "a password in a connection string", rf"{_ASSIGNED}[^&;\s\"'\\]{{3,}}"),
)
# The same as Python's engine is to read them. Where it finds no match it turns back, and without letters to look for
# it tries every place: that is slow, or a square of the length. So what was read is kept (the plus signs behind
# quantifiers); what makes a secret of a beginning is optional, so that a beginning without it is passed over; and what
# stands before a sign that is looked for is looked at from there. A match that lacks its group is none.
_ASSIGNING = "|".join(
    f"(?<={name}=)" for name in ("password", "passwd", "pwd", "secret", "access_token", "api_key", "api-key", "apikey")
)
_FOR_PYTHON = {
    "a JSON Web Token": r"eyJ[0-9A-Za-z_-]{10,}+(\.eyJ[0-9A-Za-z_-]{10,}+\.[0-9A-Za-z_-]++)?",
    "a password in a URI": r"://([^/\s:@\"'?#]*+:[^/\s@\"'?#]++@)?",
    "a password in a connection string": rf"=(?i:{_ASSIGNING})[^&;\s\"'\\]{{3,}}+",
}
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
_PLACEHOLDER = pattern_of(
    r"(?i)[=:]?(?:\*+\w{0,4}(?:~[0-9a-f]{4})?|x+|<[^>]*>|\$\{[^}]*\}|\$\w+|\{\{?[^}]*\}?\}|%\w+%|\[?redacted\]?|masked|hidden|\.\.\.+)@?"
)
# What stands before the :// of a URI, by its end.
_SCHEME = pattern_of(r"[A-Za-z][A-Za-z0-9+.-]{0,30}\Z")
_LONGEST_SCHEME = 31
# Of so many signs that may be those of a log-in a text is looked through one by one.
_MOST_LOOKED_AT = 16
_MAX_SHOWN = 120
_to_json = json.JSONEncoder(ensure_ascii=False).encode
# So much (characters) of a value is looked at to quote its beginning; no secret is longer.
_LOOKED_AT = 65_536
# Of letters and digits alone no secret is shorter: an AWS access key id.
_SHORTEST_WORD = 20
# Words in the name of an environment variable by which its value is taken for a secret.
_SECRET_NAMES = ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "APP_KEY", "PRIVATE_KEY", "ACCESS_KEY")
_COMPILED = tuple((family, what, pattern_of(_FOR_PYTHON.get(what, pattern))) for family, what, pattern in PATTERNS)
# A private key is all that follows its first line.
_PRIVATE_KEY = pattern_of(r"(?s)-----BEGIN [A-Z ]{0,20}PRIVATE KEY.*")
# Any secret, for the look at the whole. The scheme of a URI is left to the closer look: which of the last characters
# were letters is more than an engine without backtracking can keep in mind, and it is 300 times slower where it must.
_ANY = "|".join(f"(?:{_LOGIN if what == 'a password in a URI' else pattern})" for _, what, pattern in PATTERNS)
# The same for a JSON text whose only escapes are of two characters: what is not excluded may be such a one, where what
# it stands for is not excluded either.
_ESCAPED = {
    "a password in a URI": r"://(?:[^/\s:@\"'?#\\]|\\[\\b])*:(?:[^/\s@\"'?#\\]|\\[\\b])+@",
    "a password in a connection string": rf"{_ASSIGNED}(?:[^&;\s\"'\\]|\\b){{3,}}",
}
_ANY_IN_JSON = "|".join(f"(?:{_ESCAPED.get(what, pattern)})" for _, what, pattern in PATTERNS)


class Secret(NamedTuple):
    """A secret in an event: of which family, what it seems to be, where, and the text with it taken out."""

    family: str
    what: str
    path: tuple[str | int, ...]
    redacted: str


def _rust_search(pattern: str) -> Callable[[str], bool]:
    """Whether a pattern is nowhere in a text, by the regular expression engine inside ``jsonschema-rs``."""
    # Not before it is needed: whoever prints a line imports this module.
    import jsonschema_rs

    schema = {"not": {"pattern": pattern}}
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions()).is_valid


@cache
def _no_secret_in() -> Callable[[str], bool]:
    return _rust_search(_ANY)


@cache
def _no_escaped_secret_in() -> Callable[[str], bool]:
    return _rust_search(_ANY_IN_JSON)


@cache
def _no_trace_in() -> Callable[[str], bool]:
    return _rust_search("|".join(re.escape(literal) for literal in _TRACES))


@cache
def _no_assignment_in() -> Callable[[str], bool]:
    return _rust_search(_ASSIGNED)


@cache
def _no_escapes_in() -> Callable[[str], bool]:
    return _rust_search(r"\\[u/]")


def may_hold_secrets(text: str) -> bool:
    """Whether it is worth walking the strings of a JSON text; False only when no pattern can match.

    Cheap looks come first: at letters that every pattern needs. An escape that can stand for any character can hide a
    pattern, so a text with such ones is always worth it; ``plainly`` writes it without.
    """
    if "\\" in text and _has_any_escapes(text):
        return True
    if not _may_hold_login(text) and _no_trace_in()(text) and ("=" not in text or _no_assignment_in()(text)):
        return False
    # All strings at once: no pattern matches a quotation mark, so none goes over the end of a string. In what is no
    # JSON after all a secret may stand as it is.
    return not (_no_secret_in()(text) and ("\\" not in text or _no_escaped_secret_in()(text)))


def _has_any_escapes(text: str) -> bool:
    return not _no_escapes_in()(text)


def _may_hold_login(text: str) -> bool:
    """Whether a password in a URI may stand in a JSON text: between a string's beginning and an ``@`` in it there is
    ``://`` then. Addresses of mail have none.
    """
    begin, at = 0, text.find("@")
    for _ in range(_MOST_LOOKED_AT):
        if at < 0:
            return False
        # Neither goes over a quotation mark, nor over another of these signs.
        if text.find("://", max(begin, text.rfind('"', begin, at)), at) >= 0:
            return True
        begin, at = at, text.find("@", at + 1)
    return at >= 0


def plainly(text: str, value: Any) -> str:
    """The JSON text of a value, with characters in it as themselves wherever JSON allows it."""
    return orjson.dumps(value).decode() if "\\" in text and _has_any_escapes(text) else text


def secrets_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Secret]:
    """The secrets in all strings of ``value``, a parsed event or the part of it at ``path``, keys included."""
    if type(value) is dict:
        for key, item in value.items():
            yield from _secrets_in_text(key, (*path, key))
            yield from secrets_in(item, (*path, key))
    elif type(value) is list:
        for index, item in enumerate(value):
            yield from secrets_in(item, (*path, index))
    elif type(value) is str:
        yield from _secrets_in_text(value, path)


def is_secret_variable(name: str, value: Any) -> bool:
    """Whether an environment variable ``name`` is a secret, unless ``value`` is empty."""
    return bool(value) and any(word in name.upper() for word in _SECRET_NAMES)


def _secrets_in_text(text: str, path: tuple[str | int, ...]) -> Iterator[Secret]:
    if _holds_none(text):
        return
    families: set[str] = set()
    excerpt = None
    for family, what, pattern in _COMPILED:
        if family not in families and any(_is_secret(match) for match in pattern.finditer(text)):
            families.add(family)
            excerpt = excerpt or redact(text)[:_MAX_SHOWN]
            yield Secret(family, what, path, excerpt)


def _holds_none(text: str) -> bool:
    """True only when no pattern matches. The Rust engine reads a text some hundred times faster than Python's."""
    if is_short_word(text):
        return True
    try:
        return _no_secret_in()(text)
    except UnicodeEncodeError:  # lone surrogates, which it cannot take
        return False


def is_short_word(text: str) -> bool:
    """Whether a text is of letters and digits alone, and too short for a secret of these: as names of fields are."""
    return len(text) < _SHORTEST_WORD and text.isalnum()


def _is_secret(match: re.Match[str]) -> bool:
    return _is_whole(match) and not _is_placeholder(match)


def _is_whole(match: re.Match[str]) -> bool:
    """Whether it is a match, and not only the beginning of one."""
    if match.re.groups == 0:
        return True
    if match[1] is None:
        return False
    start = match.start()
    return match[0][0] != ":" or _SCHEME.search(match.string, max(0, start - _LONGEST_SCHEME), start) is not None


def _is_placeholder(match: re.Match[str]) -> bool:
    text = match.group()
    if "://" in text:
        return _PLACEHOLDER.fullmatch(text.split("://", 1)[1].partition(":")[2]) is not None
    if "=" in text:
        return _PLACEHOLDER.fullmatch(text.partition("=")[2]) is not None
    return False


def redact(text: str) -> str:
    """``text`` with every secret in it replaced by ``****``."""
    if _holds_none(text):
        return text
    text = _PRIVATE_KEY.sub("****", text)
    for _, _, pattern in _COMPILED:
        text = pattern.sub(_mask, text)
    return text


def redacted(finding: Finding) -> Finding:
    """``finding`` without the secrets that it quotes, whatever place it was made from."""
    return replace(
        finding,
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
    if not _is_secret(match):
        return text
    if "://" in text:
        scheme, _, rest = text.partition("://")
        return f"{scheme}://{rest.partition(':')[0]}:****@"
    if "=" in text:
        return text.partition("=")[0] + "=****"
    return "****"


def shown(value: Any) -> str:
    """``value`` as findings quote it: JSON, cut to a readable length, with secrets taken out.

    What is cut leaves a short digest behind, of as much of the value as is looked at.
    """
    try:
        text = _to_json(value[: _LOOKED_AT - 1] if type(value) is str else _beginning(value, [_LOOKED_AT]))
    except (TypeError, ValueError, RecursionError):
        text = str(type(value).__name__)
    redacted_text = redact(text)
    if len(redacted_text) <= _MAX_SHOWN:
        return redacted_text
    return f"{redacted_text[: _MAX_SHOWN - 3]}... ({digest(value if isinstance(value, str) else text)})"


def _beginning(value: Any, left: list[int]) -> Any:
    """A value with so many characters and values of it as there are ``left``: no more of it is looked at."""
    left[0] -= 1
    if type(value) is str:
        text = value[: max(left[0], 0)]
        left[0] -= len(text)
        return text
    if type(value) is dict:
        some: dict[str, Any] = {}
        for key, item in value.items():
            if left[0] <= 0:
                break
            some[_beginning(key, left)] = _beginning(item, left)
        return some
    if type(value) is list:
        return [_beginning(item, left) for item in value if left[0] > 0]
    return value


def digest(text: str) -> str:
    """Eight characters by which two texts are told apart of which no more is shown."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:8]
