"""Exchanges and events as rows of a database, and back: by the columns of their definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar

from msgspec import Struct

from mock_intake.journal.columns import Column, fields, is_part, moment, without_none
from mock_intake.journal.protocol import EventRecord, OrgStatistics
from mock_intake.model.exchange import Exchange

E = TypeVar("E", bound=Exchange)
Row = tuple[Any, ...]
Values = Sequence[Any]

# Roughly what a row takes beside its values: its part of the indexes, and the row of its event.
OVERHEAD = 1_000


def storable(value: Any) -> Any:
    """``value`` as SQLite can keep it: text with lone surrogates, which has no UTF-8, as bytes."""
    if type(value) is not str:
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def _text(value: Any) -> Any:
    return value.decode("utf-8", "surrogatepass") if type(value) is bytes else value


class Rows(Generic[E]):
    """Exchanges of a definition as rows of its columns, and back.

    What is done for each column is looked up once, here: a row is then made by a few calls into C (attrgetter,
    itemgetter) and one for each value that SQLite would not take as it is.
    """

    def __init__(self, kind: type[E], columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        places = {column.path: place for place, column in enumerate(columns)}
        # The values of an exchange as they are got: those that are always there, then those of parts that may not be.
        always = [column for column in columns if not column.part]
        self._always = attrgetter(*(column.path for column in always))
        self._parts: list[tuple[Callable[[Any], Any], Callable[[Any], Row], Row]] = []
        got = always
        for part in dict.fromkeys(column.part for column in columns if column.part):
            of_part = [column for column in columns if column.part == part]
            within = attrgetter(*(column.path.removeprefix(f"{part}.") for column in of_part))
            self._parts.append((attrgetter(part), within, (None,) * len(of_part)))
            got = got + of_part
        self._writes = [(place, column.keeping.write) for place, column in enumerate(got) if column.keeping.write]
        self._in_order = itemgetter(*(got.index(column) for column in columns))
        # Of a row.
        self._reading = _Reading(columns)
        self._get_sized = itemgetter(*(place for place, each in enumerate(columns) if each.keeping.sql != "INTEGER"))
        self.build: Callable[[Values], E] = _builder(kind, places)
        """An exchange of the values of its columns, in their order."""
        # Of the record of an event.
        of_event = [column for column in columns if column.part == "event"]
        by_name = {column.name: column for column in columns}
        record = [by_name[name] for name in ("id", "org", "findings")] + of_event
        self.record_names = tuple(column.name for column in record)
        """The columns that an event's record is made of."""
        self._record_reading = _Reading(record)
        of_record = {column.path: place for place, column in enumerate(record)}
        self._summary = _builder(without_none(_field_type(kind, "event"))[0], of_record, "event.")

    def to_row(self, exchange: E) -> Row:
        """The row of ``exchange``: its columns' values as SQLite takes them, but for texts (see ``storable``)."""
        values = [*self._always(exchange)]
        for part, get, nothing in self._parts:
            values += nothing if (found := part(exchange)) is None else get(found)
        for place, write in self._writes:
            if (value := values[place]) is not None:
                values[place] = write(value)
        row: Row = self._in_order(values)
        return row

    def size_of(self, row: Row) -> int:
        """How much room (bytes) the exchange of ``row`` takes, more or less."""
        return OVERHEAD + sum([len(value) for value in self._get_sized(row) if value])

    def from_row(self, row: Row) -> E:
        """The exchange of a row."""
        return self.build(self._reading.of(list(row)))

    def event_from_row(self, row: Row) -> EventRecord:
        """An event's record from ``row``, which is one of ``Statements.record``."""
        _, attempts, received_at, last_received_at, *of_exchange = row
        values = self._record_reading.of(of_exchange)
        identity, org, findings = values[:3]
        return EventRecord(
            self._summary(values),
            org,
            moment(received_at),
            moment(last_received_at),
            attempts,
            findings,
            identity,
        )


class _Reading:
    """How values of columns are made of what SQLite gives."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._texts = [place for place, column in enumerate(columns) if column.keeping.sql == "TEXT"]
        self._get_texts = itemgetter(*self._texts)
        self._reads = [(place, column.keeping.read) for place, column in enumerate(columns) if column.keeping.read]

    def of(self, values: list[Any]) -> list[Any]:
        """The ``values`` of the columns, in their order, made anew in place."""
        if bytes in map(type, self._get_texts(values)):
            for place in self._texts:
                values[place] = _text(values[place])
        for place, read in self._reads:
            if (value := values[place]) is not None:
                values[place] = read(value)
        return values


def _field_type(kind: type[Struct], name: str) -> Any:
    return next(field.type for field in fields(kind) if field.name == name)


def _builder(kind: type[Struct], places: Mapping[str, int], prefix: str = "", *, optional: bool = False) -> Any:
    """A function that makes a value of those of all columns, whose ``places`` are given by path.

    A value that may be missing is when its first field is.
    """
    sources: list[Any] = []
    for field in fields(kind):
        path = prefix + field.name
        bare, may_be_missing = without_none(field.type)
        sources.append(_builder(bare, places, f"{path}.", optional=may_be_missing) if is_part(bare) else places[path])
    if any(callable(source) for source in sources):

        def build(values: Values) -> Any:
            return kind(*[source(values) if callable(source) else values[source] for source in sources])

    else:
        get = itemgetter(*sources)

        def build(values: Values) -> Any:
            return kind(*get(values))

    if not optional:
        return build
    first = sources[0]
    return lambda values: None if values[first] is None else build(values)


def org_from_row(row: Row) -> OrgStatistics:
    """What there is of an org, from ``row``, which is one of ``statements.SELECT_ORGS`` without its position."""
    org, exchanges, events, received_at = row
    return OrgStatistics(_text(org), exchanges, events, moment(received_at))
