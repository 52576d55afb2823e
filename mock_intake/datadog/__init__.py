"""What Datadog documents: sites, authentication, dataset naming, rules for events and datasets."""
