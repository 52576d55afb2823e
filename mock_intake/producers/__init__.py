"""The other side: what leads a producer to an intake, and how one is caught that is set to a real site."""
