"""The producers of the atlas: every module of ``producers`` has some."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from mock_intake_conformance.atlas import producers
from mock_intake_conformance.atlas.model import RealProducer


def real_producers() -> dict[str, RealProducer]:
    """All producers by name, in the order of their modules."""
    modules = [import_module(f"{producers.__name__}.{module.name}") for module in iter_modules(producers.__path__)]
    return {producer.name: producer for module in modules for producer in module.PRODUCERS}


def producer_of(name: str) -> RealProducer | None:
    """The producer of a name, or the first of those that the name begins: ``airflow`` is ``airflow-dags-test``."""
    known = real_producers()
    return known.get(name) or next((one for own, one in known.items() if own.startswith(f"{name}-")), None)
