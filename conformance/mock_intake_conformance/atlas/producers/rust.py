"""openlineage-client for Rust: a program whose client sends in the background."""

from mock_intake_conformance.atlas.installing import Cargo
from mock_intake_conformance.atlas.model import RealProducer

_JOB = """\
//! Nightly job: joins orders with customers, writes daily revenue, and tells lineage of it.
use openlineage_client::facets::{BaseFacet, ErrorMessageRunFacet, JobFacets, JobTypeJobFacet, RunFacets};
use openlineage_client::{Dataset, Job, OpenLineageClient, Run, RunEvent, RunEventType};

const PRODUCER: &str = "https://github.com/acme/shop";

fn table(name: &str) -> Dataset {
    let found = serde_json::json!({"namespace": "postgres://shop.example:5432", "name": format!("shop.public.{name}")});
    serde_json::from_value(found).expect("a dataset")
}

fn event(event_type: RunEventType, run_id: uuid::Uuid, error: Option<&str>) -> RunEvent {
    let job_type = JobTypeJobFacet {
        base: BaseFacet::new(PRODUCER, "2-0-3/JobTypeJobFacet.json"),
        processing_type: "BATCH".into(),
        integration: "CUSTOM".into(),
        job_type: "JOB".into(),
    };
    let error_message = error.map(|message| ErrorMessageRunFacet {
        base: BaseFacet::new(PRODUCER, "1-0-1/ErrorMessageRunFacet.json"),
        message: message.into(),
        programming_language: "rust".into(),
        stack_trace: None,
    });
    RunEvent {
        event_type,
        event_time: chrono::Utc::now().to_rfc3339(),
        run: Run { run_id, facets: RunFacets { error_message, ..Default::default() } },
        job: Job {
            namespace: "shop".into(),
            name: "daily_revenue".into(),
            facets: JobFacets { job_type: Some(job_type), ..Default::default() },
        },
        inputs: vec![table("orders"), table("customers")],
        outputs: vec![table("daily_revenue")],
        producer: PRODUCER.into(),
        schema_url: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent".into(),
    }
}

#[tokio::main]
async fn main() {
    let client = OpenLineageClient::from_env().expect("a client");
    let run_id = uuid::Uuid::now_v7();
    let fails = std::env::args().any(|word| word == "--fail");
    client.emit(event(RunEventType::Start, run_id, None));
    // The work.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    if fails {
        client.emit(event(RunEventType::Fail, run_id, Some("no customers")));
    } else {
        client.emit(event(RunEventType::Complete, run_id, None));
    }
    client.shutdown().await;
    std::process::exit(if fails { 3 } else { 0 });
}
"""

PRODUCERS = (
    RealProducer(
        "rust",
        "openlineage-client (Rust)",
        Cargo(
            (
                'openlineage-client = "=0.0.5"',
                'tokio = { version = "1", features = ["full"] }',
                'serde_json = "1"',
                'uuid = { version = "1", features = ["v7"] }',
                'chrono = "0.4"',
            )
        ),
        {"main.rs": _JOB},
        ("job",),
        ("job", "--fail"),
        path="custom",
        leads={"OPENLINEAGE_URL": "{url}", "OPENLINEAGE_API_KEY": "{key}"},
        how="OPENLINEAGE_URL and OPENLINEAGE_API_KEY; OPENLINEAGE_ENDPOINT has to begin with a slash. Call shutdown() "
        "before the program ends. Events that wait while another is answered go together to .../lineage/batch, which "
        "Datadog documents nowhere.",
    ),
)
