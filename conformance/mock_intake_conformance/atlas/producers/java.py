"""openlineage-java: a program with the Java client, led by the variables that the client reads."""

from mock_intake_conformance.atlas.installing import Maven
from mock_intake_conformance.atlas.model import ANSWERS, Cure, RealProducer

_JOB = """\
import io.openlineage.client.Clients;
import io.openlineage.client.OpenLineage;
import io.openlineage.client.OpenLineage.RunEvent.EventType;
import io.openlineage.client.OpenLineageClient;
import io.openlineage.client.transports.ApiKeyTokenProvider;
import io.openlineage.client.transports.HttpConfig;
import io.openlineage.client.transports.HttpTransport;
import java.net.URI;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.UUID;

/** Nightly job: joins orders with customers, writes daily revenue, and tells lineage of it. */
public class DailyRevenue {
  static final String SHOP = "postgres://shop.example:5432";
  static final OpenLineage OL = new OpenLineage(URI.create("https://github.com/acme/shop"));
  static final UUID RUN = UUID.randomUUID();
  static final boolean CAREFUL = System.getenv("SHOP_CATCHES") != null;

  /** Led by what the client reads, or set in the code, as some jobs are. */
  static OpenLineageClient client() {
    String inCode = System.getenv("SHOP_SENDS_TO");
    if (inCode == null) {
      return Clients.newClient();
    }
    HttpConfig config = new HttpConfig();
    config.setUrl(URI.create(inCode));
    config.setEndpoint("/api/v1/lineage");
    ApiKeyTokenProvider key = new ApiKeyTokenProvider();
    key.setApiKey(System.getenv("DD_API_KEY"));
    config.setAuth(key);
    return OpenLineageClient.builder().transport(new HttpTransport(config)).build();
  }

  static OpenLineage.RunEvent event(EventType type, String error) {
    var facets = OL.newRunFacetsBuilder();
    if (error != null) {
      facets.errorMessage(OL.newErrorMessageRunFacet(error, "java", null));
    }
    var jobType = OL.newJobTypeJobFacetBuilder().processingType("BATCH").integration("CUSTOM").jobType("JOB").build();
    return OL.newRunEventBuilder()
        .eventType(type)
        .eventTime(ZonedDateTime.now())
        .run(OL.newRun(RUN, facets.build()))
        .job(OL.newJob("shop", "daily_revenue", OL.newJobFacetsBuilder().jobType(jobType).build()))
        .inputs(List.of(input("orders"), input("customers")))
        .outputs(List.of(OL.newOutputDataset(SHOP, "shop.public.daily_revenue", null, null)))
        .build();
  }

  static OpenLineage.InputDataset input(String table) {
    return OL.newInputDataset(SHOP, "shop.public." + table, null, null);
  }

  static void emit(OpenLineageClient client, OpenLineage.RunEvent event) {
    try {
      client.emit(event);
    } catch (RuntimeException lost) {
      if (!CAREFUL) {
        throw lost;
      }
      System.err.println("lineage: " + event.getEventType() + " was lost: " + lost.getMessage());
    }
  }

  public static void main(String[] args) throws Exception {
    try (OpenLineageClient client = client()) {
      emit(client, event(EventType.START, null));
      if (args.length > 0 && args[0].equals("--fail")) {
        emit(client, event(EventType.FAIL, "no customers"));
        System.exit(3);
      }
      emit(client, event(EventType.COMPLETE, null));
    }
  }
}
"""
_INSTALL = Maven(("io.openlineage:openlineage-java:1.54.0", "org.slf4j:slf4j-simple:1.7.36"))
_RUN = ("java", "-XX:TieredStopAtLevel=1", "-cp", "{cache}/lib/*:{cache}/classes", "DailyRevenue")
_HTTP = {
    "OPENLINEAGE__TRANSPORT__TYPE": "http",
    "OPENLINEAGE__TRANSPORT__URL": "{url}",
    "OPENLINEAGE__TRANSPORT__ENDPOINT": "/api/v1/lineage",
    "OPENLINEAGE__TRANSPORT__AUTH": '{"type": "api_key", "apiKey": "{key}"}',
}

PRODUCERS = (
    RealProducer(
        "java",
        "openlineage-java, HTTP transport",
        _INSTALL,
        {"DailyRevenue.java": _JOB},
        _RUN,
        (*_RUN, "--fail"),
        path="http",
        share="openlineage-java",
        reads=("OPENLINEAGE__TRANSPORT__TYPE", "OPENLINEAGE__TRANSPORT__URL", "OPENLINEAGE__TRANSPORT__AUTH"),
        how="OPENLINEAGE__TRANSPORT__TYPE=http, ...__URL and ...__AUTH, or the same in openlineage.yml; the client "
        "reads neither OPENLINEAGE_URL nor DD_API_KEY, and has no Datadog transport.",
        time_limit=60,
        cures=(
            Cure(
                "Catch OpenLineageClientException around emit(), and log it.",
                ("resilience/refusing-intake", "resilience/job-survives-answers"),
                environment={"SHOP_CATCHES": "1"},
                scenarios=ANSWERS,
            ),
        ),
    ),
    RealProducer(
        "java-gzip",
        "openlineage-java, HTTP transport with compression",
        _INSTALL,
        {"DailyRevenue.java": _JOB},
        _RUN,
        (*_RUN, "--fail"),
        path="custom",
        share="openlineage-java",
        leads={**_HTTP, "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip"},
        how="As openlineage-java, and OPENLINEAGE__TRANSPORT__COMPRESSION=gzip.",
        scenarios=frozenset({"healthy", "failing", "503-once", "slow", "refusing", "403-always"}),
        time_limit=60,
    ),
    RealProducer(
        "java-composite",
        "openlineage-java, composite transport",
        _INSTALL,
        {"DailyRevenue.java": _JOB},
        _RUN,
        (*_RUN, "--fail"),
        path="custom",
        share="openlineage-java",
        leads={
            "OPENLINEAGE__TRANSPORT__TYPE": "composite",
            "OPENLINEAGE__TRANSPORT__CONTINUE_ON_FAILURE": "true",
            **{
                f"{name.replace('TRANSPORT__', 'TRANSPORT__TRANSPORTS__DATADOG__')}": value
                for name, value in _HTTP.items()
            },
            "OPENLINEAGE__TRANSPORT__TRANSPORTS__CONSOLE__TYPE": "console",
        },
        how="A composite of an HTTP leg and the console, by variables.",
        scenarios=frozenset({"healthy", "failing", "503-once", "reset-once", "slow", "refusing", "403-always"}),
        time_limit=60,
    ),
    RealProducer(
        "java-unix-socket",
        "openlineage-java, through the Agent's Unix socket",
        _INSTALL,
        {"DailyRevenue.java": _JOB},
        _RUN,
        (*_RUN, "--fail"),
        path="agent",
        share="openlineage-java",
        reads=("OPENLINEAGE__TRANSPORT__TYPE", "OPENLINEAGE__TRANSPORT__ENDPOINT"),
        leads={"OPENLINEAGE__TRANSPORT__URL": "{socket}"},
        how="OPENLINEAGE__TRANSPORT__URL is unix:// and the socket's path (Java 16 or later); ...__ENDPOINT is that of "
        "the Agent's OpenLineage proxy, as by its port.",
        scenarios=frozenset({"healthy", "failing", "503-once", "slow", "refusing", "403-always"}),
        time_limit=90,
    ),
    RealProducer(
        "java-dd-agent",
        "openlineage-java under dd-java-agent, through the Agent",
        Maven((*_INSTALL.artifacts, "com.datadoghq:dd-java-agent:1.54.0")),
        {"DailyRevenue.java": _JOB},
        (_RUN[0], "-javaagent:{cache}/lib/dd-java-agent-1.54.0.jar", *_RUN[1:]),
        (_RUN[0], "-javaagent:{cache}/lib/dd-java-agent-1.54.0.jar", *_RUN[1:], "--fail"),
        path="agent",
        reads=("OPENLINEAGE__TRANSPORT__TYPE", "OPENLINEAGE__TRANSPORT__URL", "OPENLINEAGE__TRANSPORT__ENDPOINT"),
        how="OPENLINEAGE__TRANSPORT__* lead to the Agent's OpenLineage proxy; the tracer finds the Agent by "
        "DD_TRACE_AGENT_URL.",
        scenarios=frozenset({"healthy", "failing", "503-once", "slow", "refusing"}),
        time_limit=90,
    ),
)
