"""A program for Node with the fetch that comes with it: no retries, as it is often written. A control."""

from mock_intake_conformance.atlas.installing import Nothing
from mock_intake_conformance.atlas.model import Cure, RealProducer

_JOB = """\
// Nightly job: joins orders with customers, writes daily revenue, and tells lineage of it.
import { randomUUID } from 'node:crypto';

const RETRIES = Number(process.env.LINEAGE_RETRIES ?? 0);
const AGAIN = [408, 429, 500, 502, 503, 504];
const runId = randomUUID();
const producer = 'https://github.com/acme/shop';
const schema = (facet, version) => `https://openlineage.io/spec/facets/${version}/${facet}.json#/$defs/${facet}`;
const dataset = (table) => ({ namespace: 'postgres://shop.example:5432', name: `shop.public.${table}` });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function post(event) {
  const response = await fetch(`${process.env.MOCK_INTAKE_URL}/api/v1/lineage`, {
    method: 'POST',
    redirect: 'error',
    signal: AbortSignal.timeout(5000),
    headers: { Authorization: `Bearer ${process.env.MOCK_INTAKE_KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(event),
  });
  await response.arrayBuffer();
  return response;
}

async function emit(eventType, runFacets = {}) {
  const event = {
    eventType,
    eventTime: new Date().toISOString(),
    producer,
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: { runId, facets: runFacets },
    job: {
      namespace: 'shop',
      name: 'daily_revenue',
      facets: {
        jobType: {
          _producer: producer,
          _schemaURL: schema('JobTypeJobFacet', '2-0-3'),
          processingType: 'BATCH',
          integration: 'CUSTOM',
          jobType: 'JOB',
        },
      },
    },
    inputs: [dataset('orders'), dataset('customers')],
    outputs: [dataset('daily_revenue')],
  };
  for (let attempt = 0; ; attempt += 1) {
    let problem;
    try {
      const response = await post(event);
      if (response.ok) return;
      problem = `HTTP ${response.status}`;
      if (!AGAIN.includes(response.status)) attempt = RETRIES;
      const seconds = Number(response.headers.get('retry-after') ?? 0);
      if (attempt < RETRIES && seconds) await wait(seconds * 1000);
    } catch (error) {
      problem = error.cause?.code ?? error.name;
    }
    if (attempt >= RETRIES) {
      console.error(`lineage: ${eventType} was lost: ${problem}`);
      return;
    }
    await wait(300 * 2 ** attempt);
  }
}

await emit('START');
if (process.argv.includes('--fail')) {
  await emit('FAIL', {
    errorMessage: {
      _producer: producer,
      _schemaURL: schema('ErrorMessageRunFacet', '1-0-1'),
      message: 'no customers',
      programmingLanguage: 'JavaScript',
    },
  });
  process.exitCode = 3;
} else {
  await emit('COMPLETE');
}
"""

PRODUCERS = (
    RealProducer(
        "node",
        "A program for Node, with fetch",
        Nothing({"node": "--version"}),
        {"job.mjs": _JOB},
        ("node", "job.mjs"),
        ("node", "job.mjs", "--fail"),
        path="custom",
        how="The program posts each event to /api/v1/lineage with the key as Bearer; fetch itself never sends again.",
        jobs=4,
        cures=(
            Cure(
                "Send again, a few times with growing waits, on 408, 429, 5xx and broken connections: a loop of ten "
                "lines around fetch.",
                ("resilience/503-once", "resilience/reset-once", "resilience/429-retry-after"),
                environment={"LINEAGE_RETRIES": "4"},
                scenarios=frozenset({"healthy", "503-once", "reset-once", "429-once"}),
            ),
        ),
    ),
)
