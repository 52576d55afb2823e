#!/usr/bin/env bash
# openlineage-java: with a composite transport a program that does not close its client never ends.
#
# Seen: openlineage-java 1.54.0, Java 17. A program emits one event and returns from main(). With the HTTP transport alone the
#   JVM ends. With a composite of that transport and the console, which only the configuration differs in, the event is
#   taken as well, and the JVM still runs 90 s later: the composite sends from a pool of threads that are no daemons.
#   Closed in the end, or ended by System.exit(), it ends at once, and the event is there. So a job that never had a
#   reason to close its client hangs once somebody configures a second place for its events.
# Needs: java, javac, mvn, python3, and a registry of Java packages. Takes three minutes. Exits with 1 where this has changed.
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
    var client = Clients.newClient();
    client.emit(ol.newRunEventBuilder().eventType(OpenLineage.RunEvent.EventType.COMPLETE).eventTime(ZonedDateTime.now())
        .run(ol.newRun(UUID.randomUUID(), null)).job(ol.newJob("shop", "daily_revenue", null)).build());
    switch (args[0]) {
      case "close" -> client.close();
      case "exit" -> System.exit(0);
      default -> { }
    }
  }
}
JAVA
javac -cp 'lib/*' Emit.java

cat > server.py <<'PYTHON'
import http.server
import os

class Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("seen", "a").write("taken\n")
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done

url="http://127.0.0.1:$(cat port)"
http=(OPENLINEAGE__TRANSPORT__TYPE=http "OPENLINEAGE__TRANSPORT__URL=$url")
composite=(OPENLINEAGE__TRANSPORT__TYPE=composite OPENLINEAGE__TRANSPORT__TRANSPORTS__CONSOLE__TYPE=console
  OPENLINEAGE__TRANSPORT__TRANSPORTS__MAIN__TYPE=http "OPENLINEAGE__TRANSPORT__TRANSPORTS__MAIN__URL=$url")
changed=0
# How it ends, the transport, and whether the JVM has ended within 90 s.
while read -r end kind expected; do
  : >seen
  declare -n variables=$kind
  if env "${variables[@]}" timeout 90 java -cp 'lib/*:.' Emit "$end" >log 2>&1; then ended=ended; else ended="still runs"; fi
  echo "$kind, $end: $ended; $(wc -l <seen) taken"
  [ "$ended" = "$expected" ] && [ "$(wc -l <seen)" = 1 ] || changed=1
done <<'CASES'
nothing http ended
nothing composite still runs
close composite ended
exit composite ended
CASES
exit $changed
