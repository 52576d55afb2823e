"""The atlas: what the producers that people run really send, and do when the intake misbehaves. Measured, as data."""
