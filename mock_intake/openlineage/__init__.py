"""What the OpenLineage standard says: facet tables, schemas, validation, the run cycle."""
