#!/usr/bin/env bash
# openlineage-java: sends an event again after 429 and 503, and not after 500, 502 or 504, or a connection that breaks.
#
# Seen: openlineage-java 1.54.0, Java 17, HTTP transport as it comes. A receiver answers the first request with a status and
#   takes what comes after. After 429 and 503 the event comes again, once; after 500, 502 and 504 it does not, and emit()
#   throws, as after 401 and after a connection that was closed without an answer. openlineage-python sends again after each of 500, 502, 503 and 504 (docs/paths.md). A gateway that restarts
#   answers 502 and 504.
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

class Once(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status = self.path.split("/")[1]
        first = not open("seen").read()
        open("seen", "a").write(f"{status}\n")
        if first and status == "broken":
            self.close_connection = True
            return
        self.send_response(int(status) if first else 201)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Once)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done

export OPENLINEAGE__TRANSPORT__TYPE=http OPENLINEAGE__TRANSPORT__URL="http://127.0.0.1:$(cat port)"
changed=0
for status in 429 503 500 502 504 401 broken; do
  : >seen
  said=$(OPENLINEAGE__TRANSPORT__ENDPOINT=/$status/lineage java -cp 'lib/*:.' Emit 2>log)
  requests=$(wc -l <seen)
  echo "$status once: $requests requests; $said"
  case $status in
    429 | 503) [ "$requests" = 2 ] && [ "$said" = emitted ] || changed=1 ;;
    *) [ "$requests" = 1 ] && [ "$said" = thrown ] || changed=1 ;;
  esac
done
exit $changed
