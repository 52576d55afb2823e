"""Producers that the suite is tried on: well-behaved ones in three languages, and many with one thing wrong."""
