"""The intake misbehaves on demand: plans as values, on the wire, over the control API; and what clients do then."""
