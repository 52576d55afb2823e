"""The producers, a file for each: pins, a pipeline of our own, and how it is led to an intake. Nothing else."""
