"""What a server prints and logs, as text for people or as a line of JSON each for what collects logs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

import click

from mock_intake.cli.console import echo, exchange_line
from mock_intake.cli.options import option_group
from mock_intake.model.exchange import Exchange, rfc3339
from mock_intake.model.findings import Status
from mock_intake.secrets.presenting import presented_value

F = TypeVar("F", bound=Callable[..., Any])
_LOGGER = "mock_intake"
_LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}
_OF_STATUS = {Status.OK: logging.INFO, Status.WARNING: logging.WARNING, Status.ERROR: logging.ERROR}


class LogFormat(StrEnum):
    """How lines are written."""

    TEXT = "text"
    JSON = "json"


def logging_options(command: F) -> F:
    """``--log-format`` and ``--log-level``; see ``Log``."""
    return option_group(
        click.option(
            "--log-format",
            type=click.Choice([str(each) for each in LogFormat]),
            default=str(LogFormat.TEXT),
            show_default=True,
            help="Print lines for people, or a line of JSON each.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(list(_LEVELS)),
            default="info",
            show_default=True,
            help="Print what is of this level or above: an event's is that of its status.",
        ),
        heading="Log",
    )(command)


class Log(NamedTuple):
    """How a server prints: in which ``format``, and from which ``level`` (as ``logging`` numbers them) on."""

    format: LogFormat = LogFormat.TEXT
    level: int = logging.INFO

    @classmethod
    def from_options(cls, log_format: str, log_level: str) -> Log:
        """What the options ask for; has the package's own log go to standard error like that, too."""
        log = cls(LogFormat(log_format), _LEVELS[log_level])
        if log == cls():
            return log
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonFormatter() if log.format is LogFormat.JSON else logging.Formatter("%(message)s"))
        logger = logging.getLogger(_LOGGER)
        logger.handlers[:] = [handler]
        logger.setLevel(log.level)
        logger.propagate = False
        return log

    def shows(self, level: int) -> bool:
        """Whether what is of this level is printed."""
        return level >= self.level

    def say(self, text: str, *, err: bool = False) -> None:
        """Prints what is to be known besides; blank lines are for people only."""
        line = self.text_line(text)
        if line or (self.format is LogFormat.TEXT and self.shows(logging.INFO)):
            echo(line, err=err)

    def text_line(self, text: str) -> str:
        """The line of what is to be known besides, which is of the level info; empty where that is not printed."""
        if not self.shows(logging.INFO):
            return ""
        if self.format is LogFormat.TEXT:
            return text
        plain = click.unstyle(text).strip()
        return _line(logging.INFO, plain) if plain else ""

    def line_of(self, exchange: Exchange) -> str:
        """The line of an exchange; empty where its level is not printed."""
        level = level_of(exchange)
        if not self.shows(level):
            return ""
        line = exchange_line(exchange)
        if self.format is LogFormat.TEXT:
            return line
        fields = presented_value({"exchange": exchange.to_dict()})
        return _line(level, " ".join(click.unstyle(line).split()[1:]), exchange.received_at, **fields)


def level_of(exchange: Exchange) -> int:
    """The level of an exchange: that of its event's status; what was refused without a fault is an error."""
    if exchange.accepted and exchange.event is not None:
        return _OF_STATUS[exchange.event.status]
    return logging.WARNING if exchange.fault else logging.ERROR


def _line(level: int, message: str, at: datetime | None = None, **fields: Any) -> str:
    time = rfc3339(at or datetime.now(UTC))
    return json.dumps({"time": time, "level": logging.getLevelName(level).lower(), "message": message, **fields})


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        at = datetime.fromtimestamp(record.created, UTC)
        return _line(record.levelno, record.getMessage(), at, **fields)
