#!/usr/bin/env bash
# openlineage-java: emit() waits as long as Retry-After says, however long that is, and its time-out does not count it.
#
# Seen: openlineage-java 1.54.0, Java 17, HTTP transport with a time-out of two seconds. A receiver answers the first request
#   with 429 or 503 and Retry-After: 8, and takes the second: emit() returns after eight seconds. With Retry-After: 3600 it
#   still waits after 20 s, and has sent one request. The transport is synchronous: the job waits. Where
#   Retry-After is no number of seconds, it waits for one second.
# Needs: java, javac, mvn, python3, and a registry of Java packages. Takes a minute or two. Exits with 1 where this has changed.
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
      long began = System.nanoTime();
      client.emit(ol.newRunEventBuilder().eventType(OpenLineage.RunEvent.EventType.START).eventTime(ZonedDateTime.now())
          .run(ol.newRun(UUID.randomUUID(), null)).job(ol.newJob("shop", "daily_revenue", null)).build());
      System.out.println((System.nanoTime() - began) / 1_000_000_000L);
    }
  }
}
JAVA
javac -cp 'lib/*' Emit.java

cat > server.py <<'PYTHON'
import http.server
import os

class Once(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        _, status, after, _ = self.path.split("/")
        first = not open("seen").read()
        open("seen", "a").write(f"{status}\n")
        self.send_response(int(status) if first else 201)
        if first:
            self.send_header("Retry-After", after)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Once)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done

export OPENLINEAGE__TRANSPORT__TYPE=http OPENLINEAGE__TRANSPORT__URL="http://127.0.0.1:$(cat port)"
export OPENLINEAGE__TRANSPORT__TIMEOUT_IN_MILLIS=2000
changed=0
# Status, Retry-After, and within how many seconds emit() returns: 0 is not within twenty.
while read -r status after least most; do
  : >seen
  limit=60; [ "$most" = 0 ] && limit=20
  said=$(OPENLINEAGE__TRANSPORT__ENDPOINT=/$status/$after/lineage timeout $limit java -cp 'lib/*:.' Emit 2>log || echo none)
  requests=$(wc -l <seen)
  echo "$status with Retry-After: $after: $requests requests; emit() returned after $said s"
  if [ "$most" = 0 ]; then
    [ "$said" = none ] && [ "$requests" = 1 ] || changed=1
  else
    [ "$said" != none ] && [ "$said" -ge "$least" ] && [ "$said" -le "$most" ] && [ "$requests" = 2 ] || changed=1
  fi
done <<CASES
429 8 8 20
503 8 8 20
503 soon 1 6
503 3600 0 0
CASES
exit $changed
