#!/usr/bin/env bash
# openlineage-client (Rust): events that wait while another is answered go to .../lineage/batch, and are lost where that is not.
#
# Seen: openlineage-client 0.0.5, Rust 1.95, OPENLINEAGE_URL alone. A receiver has the endpoint for one event,
#   /api/v1/lineage, and answers 404 elsewhere. START is taken; RUNNING and COMPLETE, emitted while that takes two
#   seconds, are sent as an array to /api/v1/lineage/batch, answered 404, and dropped. So they are with a receiver that
#   answers at once, where one is emitted right after the other; 300 ms apart they arrive. emit() and shutdown() return
#   nothing; dropped_count() says 2, and a warning goes to the tracing crate, which a program without a subscriber does not
#   print. Whether a job's end is told depends on how fast the receiver is. No variable turns batches off.
# Needs: cargo, python3, and a registry of Rust packages. Takes minutes, to compile. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "1.0.0"
edition = "2021"

[dependencies]
openlineage-client = "=0.0.5"
tokio = { version = "1", features = ["full"] }
serde_json = "1"
uuid = { version = "1", features = ["v7"] }
chrono = "0.4"
TOML
mkdir src
cat > src/main.rs <<'RUST'
use openlineage_client::facets::{JobFacets, RunFacets};
use openlineage_client::{Job, OpenLineageClient, Run, RunEvent, RunEventType};
use std::time::Duration;
use tokio::time::sleep;

fn event(event_type: RunEventType, run_id: uuid::Uuid) -> RunEvent {
    RunEvent {
        event_type,
        event_time: chrono::Utc::now().to_rfc3339(),
        run: Run { run_id, facets: RunFacets::default() },
        job: Job { namespace: "shop".into(), name: "etl".into(), facets: JobFacets::default() },
        inputs: vec![],
        outputs: vec![],
        producer: "https://github.com/acme/shop".into(),
        schema_url: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent".into(),
    }
}

#[tokio::main]
async fn main() {
    let client = OpenLineageClient::from_env().expect("a client");
    let run_id = uuid::Uuid::now_v7();
    client.emit(event(RunEventType::Start, run_id));
    sleep(Duration::from_millis(300)).await;
    client.emit(event(RunEventType::Running, run_id));
    let pause: u64 = std::env::args().nth(1).expect("milliseconds").parse().expect("a number");
    if pause > 0 {
        sleep(Duration::from_millis(pause)).await;
    }
    client.emit(event(RunEventType::Complete, run_id));
    sleep(Duration::from_secs(5)).await;
    println!("{} dropped", client.dropped_count());
    client.shutdown().await;
}
RUST
cargo build --quiet

cat > server.py <<'PYTHON'
import http.server
import json
import os
import sys
import time

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        types = [event["eventType"] for event in (body if isinstance(body, list) else [body])]
        here = self.path == "/api/v1/lineage"
        open(sys.argv[1], "a").write(f"{self.path} {'+'.join(types)} {201 if here else 404}\n")
        time.sleep(float(sys.argv[2]))
        self.send_response(201 if here else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
changed=0
single="/api/v1/lineage START 201,/api/v1/lineage RUNNING 201,/api/v1/lineage COMPLETE 201; 0 dropped"
batch="/api/v1/lineage START 201,/api/v1/lineage/batch RUNNING+COMPLETE 404; 2 dropped"
# How many seconds an answer takes, milliseconds between RUNNING and COMPLETE, what was seen.
while IFS='|' read -r seconds pause expected; do
  rm -f port seen
  python3 server.py seen "$seconds" 2>/dev/null & server=$!
  until [ -e port ]; do sleep 0.1; done
  said=$(OPENLINEAGE_URL="http://127.0.0.1:$(cat port)" "${CARGO_TARGET_DIR:-target}/debug/finding" "$pause")
  kill $server
  said="$(paste -sd ',' seen); $said"
  echo "answers after $seconds s, $pause ms between the two: $said"
  [ "$said" = "$expected" ] || changed=1
done <<CASES
0|300|$single
0|0|$batch
2|300|$batch
CASES
exit $changed
