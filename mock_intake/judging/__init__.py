"""Judges requests, events and recordings: everything that decides, without any I/O."""
