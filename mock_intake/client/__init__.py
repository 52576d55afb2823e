"""A client of the control API (httpx), for tests and tools in other processes than the server's.

``Client`` blocks, ``AsyncClient`` awaits; both have the same methods with the same types. Raises
``ControlError`` with the server's own words when a request cannot be answered.
"""

from __future__ import annotations

from mock_intake.client.awaiting import AsyncClient
from mock_intake.client.blocking import Client
from mock_intake.client.requests import ControlError, WaitTimeoutError
from mock_intake.client.types import EventQuery, Listing, Streamed, Waited

__all__ = ["AsyncClient", "Client", "ControlError", "EventQuery", "Listing", "Streamed", "WaitTimeoutError", "Waited"]
