"""HTTP on the wire: the protocol, TLS, the forward proxy, and misbehaviour on a connection."""
