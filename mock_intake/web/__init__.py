"""Pages to look at: what Datadog would show, and how it was judged. Rendered here, from journal and views."""

from __future__ import annotations

from mock_intake.web.guard import Guard
from mock_intake.web.site import Pages
from mock_intake.web.sources import Sources

__all__ = ["Guard", "Pages", "Sources"]
