"""The body of a request: decoded, parsed, kept, and shown again."""
