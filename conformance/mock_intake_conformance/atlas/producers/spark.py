"""Spark: its driver tells lineage with openlineage-java; Datadog's tracer on it; and which listeners can be had."""

from mock_intake_conformance.atlas.installing import Maven
from mock_intake_conformance.atlas.model import RealProducer

_JOB = """\
import io.openlineage.client.Clients;
import io.openlineage.client.OpenLineage;
import io.openlineage.client.OpenLineage.RunEvent.EventType;
import io.openlineage.client.OpenLineageClient;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Nightly job: joins orders with customers on Spark, writes daily revenue, and its driver tells lineage of it. */
public class SparkRevenue {
  static final OpenLineage OL = new OpenLineage(URI.create("https://github.com/acme/shop"));
  static final UUID RUN = UUID.randomUUID();

  static OpenLineage.RunEvent event(EventType type, String error, Dataset<Row> written, Long rows) {
    var facets = OL.newRunFacetsBuilder();
    if (error != null) {
      facets.errorMessage(OL.newErrorMessageRunFacet(error, "java", null));
    }
    var jobType = OL.newJobTypeJobFacetBuilder().processingType("BATCH").integration("CUSTOM").jobType("JOB").build();
    String target = Path.of("daily_revenue").toAbsolutePath().toString();
    var output = OL.newOutputDatasetBuilder().namespace("file").name(target);
    if (written != null) {
      var fields = Stream.of(written.schema().fields())
          .map(field -> OL.newSchemaDatasetFacetFieldsBuilder().name(field.name()).type(field.dataType().sql()).build())
          .collect(Collectors.toList());
      output.facets(OL.newDatasetFacetsBuilder().schema(OL.newSchemaDatasetFacet(fields)).build());
      output.outputFacets(OL.newOutputDatasetOutputFacetsBuilder()
          .outputStatistics(OL.newOutputStatisticsOutputDatasetFacetBuilder().rowCount(rows).build()).build());
    }
    return OL.newRunEventBuilder()
        .eventType(type)
        .eventTime(ZonedDateTime.now())
        .run(OL.newRun(RUN, facets.build()))
        .job(OL.newJob("shop", "daily_revenue", OL.newJobFacetsBuilder().jobType(jobType).build()))
        .inputs(List.of(input("orders.csv"), input("customers.csv")))
        .outputs(List.of(output.build()))
        .build();
  }

  static OpenLineage.InputDataset input(String file) {
    return OL.newInputDataset("file", Path.of(file).toAbsolutePath().toString(), null, null);
  }

  static Dataset<Row> read(SparkSession spark, String name) {
    Dataset<Row> rows = spark.read().option("header", "true").option("inferSchema", "true").csv(name + ".csv");
    rows.createOrReplaceTempView(name);
    return rows;
  }

  public static void main(String[] args) throws Exception {
    Files.writeString(Path.of("orders.csv"), "id,customer_id,day,amount\\n1,1,2026-11-01,10\\n2,2,2026-11-01,5\\n");
    Files.writeString(Path.of("customers.csv"), "id,name\\n1,Ada\\n2,Grace\\n");
    boolean tells = System.getenv("SHOP_TELLS_NOTHING") == null;
    SparkSession spark = SparkSession.builder().appName("daily_revenue").master("local[1]")
        .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1").getOrCreate();
    try (OpenLineageClient client = tells ? Clients.newClient() : null) {
      emit(client, event(EventType.START, null, null, null));
      try {
        read(spark, "orders");
        read(spark, "customers");
        String amount = args.length > 0 && args[0].equals("--fail") ? "no_such_column" : "amount";
        Dataset<Row> revenue = spark.sql("select day, sum(" + amount + ") as revenue from orders o "
            + "join customers c on c.id = o.customer_id group by day");
        revenue.write().mode("overwrite").parquet("daily_revenue");
        long rows = spark.read().parquet("daily_revenue").count();
        emit(client, event(EventType.COMPLETE, null, revenue, rows));
      } catch (Exception error) {
        emit(client, event(EventType.FAIL, error.getMessage(), null, null));
        throw error;
      }
    } finally {
      spark.stop();
    }
  }

  static void emit(OpenLineageClient client, OpenLineage.RunEvent event) {
    if (client != null) {
      client.emit(event);
    }
  }
}
"""
ARTIFACTS = ("org.apache.spark:spark-sql_2.13:4.0.2", "io.openlineage:openlineage-java:1.54.0")
_INSTALL = Maven(ARTIFACTS)
_TRACER = Maven((*ARTIFACTS, "com.datadoghq:dd-java-agent:1.54.0"))
# What Spark needs of Java 17, as spark-submit has it.
OPENS = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.lang", "java.lang.invoke", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent",
        "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.util.calendar",
    )
)  # fmt: skip
# Spark's default logs much.
LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c: %m%n
"""
READS = ("OPENLINEAGE__TRANSPORT__TYPE", "OPENLINEAGE__TRANSPORT__URL", "OPENLINEAGE__TRANSPORT__AUTH")
_FILES = {"SparkRevenue.java": _JOB, "log4j2.properties": LOGGING}
QUIET = "-Dlog4j2.configurationFile=log4j2.properties"
_RUN = ("java", *OPENS, QUIET, "-cp", "{cache}/lib/*:{cache}/classes", "SparkRevenue")
_TRACED = ("java", "-javaagent:{cache}/lib/dd-java-agent-1.54.0.jar", *_RUN[1:])

PRODUCERS = (
    RealProducer(
        "spark",
        "Apache Spark with openlineage-spark",
        Maven(("io.openlineage:openlineage-spark_2.12:1.54.0",)),
        {},
        ("spark-submit", "job.py"),
        path="http",
        how="spark.extraListeners names the listener, spark.openlineage.transport.* lead it.",
    ),
    RealProducer(
        "spark-openlineage-java",
        "Apache Spark, its driver tells lineage with openlineage-java",
        _INSTALL,
        _FILES,
        _RUN,
        (*_RUN, "--fail"),
        path="http",
        reads=READS,
        how="Nothing of Spark's is set: the driver's own code sends, led by OPENLINEAGE__TRANSPORT__*. "
        "openlineage-spark, which would tell all of this by itself, could not be had where this was measured.",
        scenarios=frozenset({"healthy", "failing", "503-once", "reset-once", "slow", "refusing", "403-always"}),
        time_limit=150,
    ),
    RealProducer(
        "spark-dd-agent",
        "Apache Spark under dd-java-agent, without openlineage-spark",
        _TRACER,
        _FILES,
        _TRACED,
        (*_TRACED, "--fail"),
        path="agent",
        environment={"SHOP_TELLS_NOTHING": "1", "DD_DATA_JOBS_ENABLED": "true", "DD_INTEGRATION_SPARK_ENABLED": "true"},
        how="The tracer's lineage needs the listener of openlineage-spark beside it.",
        scenarios=frozenset({"healthy"}),
        time_limit=150,
    ),
    RealProducer(
        "flink",
        "Apache Flink with openlineage-flink",
        Maven(("io.openlineage:openlineage-flink:1.54.0",)),
        {},
        ("flink", "run"),
        path="http",
        how="execution.job-status-changed-listeners, and openlineage.transport.* in Flink's configuration.",
    ),
)
