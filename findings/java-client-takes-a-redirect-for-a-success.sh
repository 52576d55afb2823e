#!/usr/bin/env bash
# openlineage-java: a redirect to another origin is neither followed nor told: emit() returns, and the event is nowhere.
#
# Seen: openlineage-java 1.54.0, Java 17, HTTP transport with an API key. A receiver answers each POST with 307 or 308 and a
#   Location at another port. One request comes, none at the Location, emit() returns without an exception, and nothing of
#   it is logged at the level INFO. (After 301, 302 and 303 a GET without the event comes to the Location, and if that is
#   answered 2xx emit() returns as well.) A balancer that leads to another address answers so.
# Needs: java, javac, mvn, python3, and a registry of Java packages. Takes a minute. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>finding</groupId><artifactId>finding</artifactId><version>1</version><dependencies>
<dependency><groupId>io.openlineage</groupId><artifactId>openlineage-java</artifactId><version>1.54.0</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime >mvn.log 2>&1

cat > Emit.java <<'JAVA'
import io.openlineage.client.Clients;
import io.openlineage.client.OpenLineage;
import java.net.URI;
import java.time.ZonedDateTime;
import java.util.UUID;

public class Emit {
  public static void main(String[] args) throws Exception {
    OpenLineage ol = new OpenLineage(URI.create("https://github.com/acme/shop"));
    try (var client = Clients.newClient()) {
      client.emit(ol.newRunEventBuilder().eventType(OpenLineage.RunEvent.EventType.START).eventTime(ZonedDateTime.now())
          .run(ol.newRun(UUID.randomUUID(), null)).job(ol.newJob("shop", "daily_revenue", null)).build());
      System.out.println("emitted");
    } catch (RuntimeException error) {
      System.out.println("thrown");
    }
  }
}
JAVA
javac -cp 'lib/*' Emit.java

cat > server.py <<'PYTHON'
import http.server
import os
import threading

class Redirects(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("seen", "a").write(f"{self.command} {self.path}\n")
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Location", f"http://127.0.0.1:{there.server_port}/there/lineage")
        self.send_header("Content-Length", "0")
        self.end_headers()

class There(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        open("seen", "a").write(f"{self.command} {self.path}\n")
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

there = http.server.HTTPServer(("127.0.0.1", 0), There)
threading.Thread(target=there.serve_forever, daemon=True).start()
server = http.server.HTTPServer(("127.0.0.1", 0), Redirects)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done

export OPENLINEAGE__TRANSPORT__AUTH='{"type": "api_key", "apiKey": "a key of ours"}'
export OPENLINEAGE__TRANSPORT__TYPE=http OPENLINEAGE__TRANSPORT__URL="http://127.0.0.1:$(cat port)"
changed=0
for status in 301 302 303 307 308; do
  : >seen
  said=$(OPENLINEAGE__TRANSPORT__ENDPOINT=/$status/lineage java -cp 'lib/*:.' Emit 2>log)
  requests=$(paste -sd ',' seen)
  told=$(grep -ciE "redirect|$status|there/lineage" log || true)
  echo "$status: $requests; $said; $told lines of the log tell of it"
  case $status in
    307 | 308) expected="POST /$status/lineage" ;;
    *) expected="POST /$status/lineage,GET /there/lineage" ;;
  esac
  [ "$requests" = "$expected" ] && [ "$said" = emitted ] && [ "$told" = 0 ] || changed=1
done
exit $changed
