"""OpenLineage clients that are alive in this process, and where they lead. Looked at, never imported or changed.

What is asked is what a client's transport has kept of its configuration (attributes of openlineage-python 1.37 to
1.54), so nothing has to be in place when a client is made: at import, by a package, before the plugin's fixtures.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

_CLIENT = ("openlineage.client.client", "OpenLineageClient")
_TRANSPORT = ("openlineage.client.transport.transport", "Transport")
# Transports of transports, and those within: as deep as anybody nests them.
_DEEPEST = 4


@dataclass(frozen=True)
class Leg:
    """One way on which a client sends: ``kind`` as in its configuration, ``pending`` events that are not sent yet."""

    kind: str
    url: str | None
    api_key: str | None
    pending: int


@dataclass(frozen=True)
class LiveClient:
    """A client. ``name`` is where a module keeps it (``my_etl.client``), empty if none does."""

    name: str
    legs: tuple[Leg, ...]


def live_clients() -> list[LiveClient]:
    """The clients that something in this process still has; empty where openlineage was never imported.

    Looks through all objects that there are, and where a client is among them has garbage collected, to tell whether it
    is in use: a tenth of a second for each million of objects, to be spent on a failure only.
    """
    client_class, transport_class = _class_of(*_CLIENT), _class_of(*_TRANSPORT)
    if client_class is None or transport_class is None:
        return []
    found = _instances(client_class)
    names = _names(found)
    clients = []
    for each in found:
        transport = vars(each).get("transport") if hasattr(each, "__dict__") else None
        legs = tuple(_legs(transport, transport_class)) if transport is not None else ()
        clients.append(LiveClient(names.get(id(each), ""), legs))
    return clients


def _instances(class_: type) -> list[Any]:
    """The objects of a class and of its subclasses that are in use."""
    classes = {class_, *_subclasses(class_)}
    # By type(): isinstance() asks the object, and proxies answer by doing something.
    if not any(type(each) in classes for each in gc.get_objects()):
        return []
    gc.collect()
    return [each for each in gc.get_objects() if type(each) in classes]


def _subclasses(class_: type) -> Iterator[type]:
    found: list[type] = type.__subclasses__(class_)
    for each in found:
        yield each
        yield from _subclasses(each)


def _class_of(module: str, name: str) -> type | None:
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None


def _legs(transport: Any, transport_class: type, depth: int = 0) -> Iterator[Leg]:
    values = _attributes(transport)
    within = [
        part
        for value in values.values()
        for part in (value if isinstance(value, list) else [value])
        if issubclass(type(part), transport_class)
    ]
    if within and depth < _DEEPEST:
        for part in within:
            yield from _legs(part, transport_class, depth + 1)
        return
    auth = _attributes(_attributes(values.get("config")).get("auth"))
    stats = values.get("event_stats")
    pending = stats.get("pending", 0) if isinstance(stats, dict) else 0
    yield Leg(
        str(getattr(type(transport), "kind", None) or type(transport).__name__),
        _text(values.get("url")),
        _text(auth.get("api_key")),
        pending if isinstance(pending, int) else 0,
    )


def _names(clients: list[Any]) -> dict[int, str]:
    """Where modules keep these objects, by their ids: as a global, or as an attribute of a global or class."""
    wanted = {id(each) for each in clients}
    names: dict[int, str] = {}
    for module_name, module in list(sys.modules.items()):
        if len(names) == len(wanted):
            break
        if type(module) is not ModuleType:
            continue
        for name, value in list(vars(module).items()):
            if id(value) in wanted:
                names.setdefault(id(value), f"{module_name}.{name}")
                continue
            if isinstance(value, ModuleType):
                continue
            for attribute, inner in list(_attributes(value).items()):
                if id(inner) in wanted:
                    names.setdefault(id(inner), f"{module_name}.{name}.{attribute}")
    return names


def _attributes(value: Any) -> Mapping[str, Any]:
    """What an object has, read past whatever it answers with: also of attrs classes, which have slots."""
    with suppress(Exception):
        found = object.__getattribute__(value, "__dict__")
        if found:
            return dict(found)
    with suppress(Exception):
        slots = [name for each in type(value).__mro__ for name in getattr(each, "__slots__", ())]
        return {name: object.__getattribute__(value, name) for name in slots if name != "__weakref__"}
    return {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
