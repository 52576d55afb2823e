"""The real clock and the real socket, also where a test froze the one and forbade the other."""
