#!/usr/bin/env bash
# openlineage-java: once it has found a configuration file, it reads none of the OPENLINEAGE__* variables.
#
# Seen: openlineage-java 1.54.0, Java 17. With an openlineage.yml whose transport is the console, a transport named by
#   OPENLINEAGE__TRANSPORT__TYPE=http and OPENLINEAGE__TRANSPORT__URL is passed over in silence: the event is printed. The
#   same variables without the file lead the event to the address. Whoever sets variables in a container that has a file
#   in its image sends nothing there, and is not told.
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
    }
  }
}
JAVA
javac -cp 'lib/*' Emit.java

cat > server.py <<'PYTHON'
import http.server

class Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("taken", "a").write(self.path + "\n")
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Taking)
open("port.new", "w").write(str(server.server_port))
__import__("os").rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py 2>/dev/null & server=$!
until [ -e port ]; do sleep 0.1; done
touch taken

export OPENLINEAGE__TRANSPORT__TYPE=http OPENLINEAGE__TRANSPORT__URL="http://127.0.0.1:$(cat port)"
java -cp 'lib/*:.' Emit >without.log 2>&1
without=$(wc -l <taken)
printf 'transport:\n  type: console\n' >openlineage.yml
java -cp 'lib/*:.' Emit >with.log 2>&1
with=$(($(wc -l <taken) - without))
printed=$(grep -c '"eventType":"START"' with.log || true)

echo "without a file: $without event at the address of the variables"
echo "with a file:    $with events there, $printed printed"
[ "$without" = 1 ] && [ "$with" = 0 ] && [ "$printed" = 1 ]
