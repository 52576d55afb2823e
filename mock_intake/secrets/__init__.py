"""API keys in requests, and secrets in what events hold: found, and taken out of all that is kept or shown."""
