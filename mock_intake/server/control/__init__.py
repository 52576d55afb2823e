"""The control API under ``/api/mock/v1/``: what is on record, as JSON.

Listings are newest first, take ``limit`` and ``cursor``, and say how much retention has dropped. ``router`` has all of
it in one table; there is a module for each resource.
"""

from __future__ import annotations

from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import PREFIX
from mock_intake.server.control.router import ENDPOINTS, routes

__all__ = ["ENDPOINTS", "PREFIX", "Control", "routes"]
