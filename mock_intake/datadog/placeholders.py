"""What stands in a name where its value was never filled in, and characters that nobody sees.

Pure functions of texts. Of a long text the beginning is looked at: no name is longer.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mock_intake.datadog.platforms import Platform, name_parts, platform_of
from mock_intake.datadog.statements import is_statement

LONGEST_NAME = 2_048
_LONGEST_REMEMBERED = 1_024

# Templates of Jinja, of shells and build tools, and what languages write in place of a text: str(None.__class__),
# an object's repr, JavaScript's and Go's ways, %-formatting.
_TEMPLATE = re.compile(
    r"\{\{[^{}]*\}\}|\{%[^{}%]*%\}|\$\{[^{}]*\}|\$\([^()]*\)|<(?:class|function|bound method|module|built-in) [^<>]*>"
    r"|<[\w.]+ object at 0x[0-9A-Fa-f]+>|\[object \w+\]|%\(\w{1,100}\)s|<nil>|<lambda>|%!\w\([^()]*\)"
)
# What is a template only where it is all of a part.
_WHOLE = re.compile(r"<[^<>]*>|\{[A-Za-z_][\w.]*\}|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%")
_NOTHING = ("none", "null", "undefined")
_BETWEEN_PARTS = re.compile(r"[/:@,;?&=]+")
# Blanks at either end; and characters that nobody sees: controls, soft hyphens, marks of width and direction.
# U+200C and U+200D are none: scripts and emoji are written with them.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


def without_strays(text: str) -> str:
    """``text`` without white space at its ends and without characters that nobody sees, wherever they stand."""
    # As nearly all words and names are, which is quickly seen.
    return text if text.isascii() and text.isalnum() else _UNSEEN.sub("", text).strip()


def has_strays(text: str) -> bool:
    """Whether a text has any of these."""
    return text.strip() != text or _UNSEEN.search(text) is not None


def stray_parts(platform: Platform, name: str) -> bool:
    """Whether a dotted part of ``name``, a table's on ``platform``, has white space at its ends."""
    # Dots within a template part nothing.
    if platform.object_store or not platform.parts or platform.name is not None or template_in(name):
        return False
    return any(part.strip() != part and part.strip() for part in name_parts(name[:LONGEST_NAME]))


def template_in(text: str) -> str | None:
    """A template that stands in ``text``, whole as it is; None if there is none."""
    found = _TEMPLATE.search(text[:LONGEST_NAME])
    return found[0] if found else None


def placeholder_in_namespace(namespace: str) -> str | None:
    """What stands in ``namespace``, a dataset's, in place of a host, a port, an account or all of it; None if nothing
    does.
    """
    # Many datasets have one, and most rules about a name ask for it.
    usual = len(namespace) <= _LONGEST_REMEMBERED
    return _last_in_namespaces(namespace) if usual else _placeholder_in_namespace(namespace)


def _placeholder_in_namespace(namespace: str) -> str | None:
    if found := template_in(namespace):
        return found
    _, separator, rest = namespace[:LONGEST_NAME].partition("://")
    parts = _BETWEEN_PARTS.split(rest if separator else namespace[:LONGEST_NAME])
    # Accounts have parts of their own: None.snowflakecomputing.com, acme-None.
    within = re.compile(r"[.-]") if namespace.startswith("snowflake:") else re.compile(r"\.")
    for part in parts:
        for piece in (part, *within.split(part, 1)):
            if _is_nothing(piece) or _WHOLE.fullmatch(piece):
                return piece
    return None


_last_in_namespaces = lru_cache(maxsize=64)(_placeholder_in_namespace)


def placeholder_in_name(namespace: str, name: str) -> str | None:
    """What stands in ``name``, a dataset's in ``namespace``, in place of a database, a schema or all of it.

    A table may well be called null, and a column unknown: of the last part only templates are told.
    """
    # Most rules about a name ask for it first, one after the other.
    usual = len(namespace) + len(name) <= _LONGEST_REMEMBERED
    return _last_placeholders(namespace, name) if usual else _placeholder_in_name(namespace, name)


def _placeholder_in_name(namespace: str, name: str) -> str | None:
    if found := template_in(name):
        return found
    name = name[:LONGEST_NAME]
    if _is_nothing(name):
        return name
    platform = platform_of(namespace)
    is_path = platform is not None and platform.is_path
    parts = name.split("/") if is_path else name_parts(name)
    for number, part in enumerate(parts, 1):
        above = number < len(parts)
        if (above and (part == "None" if is_path else _is_nothing(part))) or (not is_path and _WHOLE.fullmatch(part)):
            return part
    return None


_last_placeholders = lru_cache(maxsize=64)(_placeholder_in_name)


def says_nothing(namespace: str, name: str) -> bool:
    """Whether a dataset's name stands for no value, or is SQL: what else is wrong with its form is no matter then."""
    return is_statement(name) or placeholder_in_name(namespace, name) is not None


def placeholder_in_job(text: str) -> str | None:
    """What stands in the namespace or name of a job, or another word of the user's own, in place of a value."""
    if found := template_in(text):
        return found
    text = text[:LONGEST_NAME]
    if _is_nothing(text) or _WHOLE.fullmatch(text):
        return text
    return next((part for part in text.split(".") if part == "None"), None)


def is_unknown(job_name: str) -> bool:
    """Whether ``job_name`` says no more than that nobody knew one."""
    return job_name.casefold() == "unknown" or placeholder_in_job(job_name) is not None or not without_strays(job_name)


def _is_nothing(text: str) -> bool:
    return text.lower() in _NOTHING
