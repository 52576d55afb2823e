"""What an audit cannot go on with."""

from __future__ import annotations


class AuditError(ValueError):
    """Sources, a directory or an environment that cannot be used; the message says which, why, and what to do."""
