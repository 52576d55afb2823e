"""The pytest plugin. Not built yet: until then, tests use ``mock_intake.IntakeServer``."""
