"""Made-up OpenLineage events for tests: a provider for Faker (``pip install 'mock-intake[fake]'``)."""

from __future__ import annotations

from mock_intake.fake.broken import Request

try:
    from mock_intake.fake.provider import OpenLineageProvider
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "faker":
        raise
    raise ModuleNotFoundError("fake events need Faker: pip install 'mock-intake[fake]'", name=error.name) from error

__all__ = ["OpenLineageProvider", "Request"]
