"""Events and exchanges as files: recordings that are read, exports that lose nothing."""
