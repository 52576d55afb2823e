"""Runs producers against the intake: the documented ways of sending, and any producer through the suite."""
