"""Catches a producer that is set to a real Datadog site, without a change to it: its connections lead to an intake."""

from pathlib import Path

from mock_intake.producers.interception.redirect import Redirect, is_redirected

SITE_DIRECTORY = Path(__file__).parent / "site"
"""To be first on a child's PYTHONPATH: Python then loads what catches it before the child's own code."""

__all__ = ["SITE_DIRECTORY", "Redirect", "is_redirected"]
