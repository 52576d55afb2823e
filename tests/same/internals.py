"""All that the record knows of how the package is built; everything else goes through what users have.

Names of modules stand here alone, so that a move of code touches this file at most.
"""

from __future__ import annotations

# Packages whose names users may import.
PUBLIC_PACKAGES = ("mock_intake", "mock_intake.client", "mock_intake.fake", "mock_intake_pytest")
