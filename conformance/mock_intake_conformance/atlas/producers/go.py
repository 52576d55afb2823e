"""The Go client of OpenLineage."""

from mock_intake_conformance.atlas.installing import Go
from mock_intake_conformance.atlas.model import RealProducer

_JOB = """\
package main

import "github.com/OpenLineage/openlineage/client/go/pkg/openlineage"

func main() { _ = openlineage.Client{} }
"""

PRODUCERS = (
    RealProducer(
        "go",
        "The Go client of OpenLineage",
        Go(("github.com/OpenLineage/openlineage/client/go@v1.54.0",)),
        {"main.go": _JOB},
        ("job",),
        path="http",
        how="OPENLINEAGE_URL and OPENLINEAGE_API_KEY.",
    ),
)
