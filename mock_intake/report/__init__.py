"""Renderers of what was judged: for people, and for other tools."""
