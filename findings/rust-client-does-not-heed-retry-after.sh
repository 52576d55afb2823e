#!/usr/bin/env bash
# openlineage-client (Rust): Retry-After is not heeded: after 429 an event is dropped, after 503 it comes again at once.
#
# Seen: openlineage-client 0.0.5, Rust 1.95, OPENLINEAGE_URL alone. A receiver answers the first request with a status and
#   takes what comes after. After 429, with Retry-After: 3 or without, the event does not come again, as after 401; after 503 with
#   Retry-After: 3 it comes again within a second, as after 500 and after a connection that was closed without an answer.
#   emit() and shutdown() return nothing, and the program ends with 0: of what was dropped dropped_count() tells alone.
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

#[tokio::main]
async fn main() {
    let client = OpenLineageClient::from_env().expect("a client");
    client.emit(RunEvent {
        event_type: RunEventType::Complete,
        event_time: chrono::Utc::now().to_rfc3339(),
        run: Run { run_id: uuid::Uuid::now_v7(), facets: RunFacets::default() },
        job: Job { namespace: "shop".into(), name: "etl".into(), facets: JobFacets::default() },
        inputs: vec![],
        outputs: vec![],
        producer: "https://github.com/acme/shop".into(),
        schema_url: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent".into(),
    });
    // As long as what it waits for may take.
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    print!("{} dropped", client.dropped_count());
    client.shutdown().await;
}
RUST
cargo build --quiet

cat > server.py <<'PYTHON'
import http.server
import os
import sys
import time

class Once(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        _, status, after = sys.argv
        requests = open("seen").read().splitlines()
        open("seen", "a").write(f"{time.time()}\n")
        if not requests and status == "broken":
            self.close_connection = True
            return
        self.send_response(201 if requests else int(status))
        if not requests and after != "none":
            self.send_header("Retry-After", after)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Once)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
changed=0
# The first answer, its Retry-After, how many requests come, how many events are dropped.
while read -r status after requests dropped; do
  rm -f port; : >seen
  python3 server.py "$status" "$after" 2>/dev/null & server=$!
  until [ -e port ]; do sleep 0.1; done
  said=$(OPENLINEAGE_URL="http://127.0.0.1:$(cat port)" "${CARGO_TARGET_DIR:-target}/debug/finding")
  kill $server
  waited=$(python3 -c 'times = [float(line) for line in open("seen")]; print(f"{times[-1] - times[0]:.1f}")')
  echo "$status, Retry-After $after: $(wc -l <seen) requests within $waited s, $said"
  [ "$(wc -l <seen)" = "$requests" ] && [ "$said" = "$dropped dropped" ] || changed=1
  # Not after three seconds, as it says.
  [ "${waited%.*}" -lt 2 ] || changed=1
done <<'CASES'
401 none 1 1
429 none 1 1
429 3 1 1
503 3 2 0
500 none 2 0
broken none 2 0
CASES
exit $changed
