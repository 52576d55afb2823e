"""Runs producers against the intake: the documented ways of sending, end to end."""
