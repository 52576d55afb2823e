"""The HTTP side: the intake's endpoint, the control API, and the server that runs both."""
