"""Archives of events judged on Spark (extra ``spark``): the same answer as ``check`` gives, on as many machines."""
