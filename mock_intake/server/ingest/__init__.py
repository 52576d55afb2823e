"""The one way of a request to the record: endpoint, Agent, pipeline, recorder, forwarding."""
