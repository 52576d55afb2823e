"""Spark over JDBC into PostgreSQL, and a stream: the driver of each tells lineage with openlineage-java."""

from mock_intake_conformance.atlas.databases import WITH_POSTGRES
from mock_intake_conformance.atlas.installing import Maven
from mock_intake_conformance.atlas.model import Cure, RealProducer
from mock_intake_conformance.atlas.producers.spark import ARTIFACTS, LOGGING, OPENS, QUIET, READS

_LINEAGE = """\
import io.openlineage.client.Clients;
import io.openlineage.client.OpenLineage;
import io.openlineage.client.OpenLineage.RunEvent.EventType;
import io.openlineage.client.OpenLineageClient;
import java.net.URI;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.types.StructType;

/** One run of a Spark job, told with openlineage-java. What cannot be sent ends the job, unless SHOP_CATCHES is set. */
final class Lineage implements AutoCloseable {
  private static final OpenLineage OL = new OpenLineage(URI.create("https://github.com/acme/shop"));
  private static final boolean CAREFUL = System.getenv("SHOP_CATCHES") != null;
  private final UUID run = UUID.randomUUID();
  private final OpenLineageClient client = Clients.newClient();
  private final String job;
  private final String processing;
  private final List<OpenLineage.InputDataset> inputs;
  private final OpenLineage.OutputDataset output;

  Lineage(String job, String processing, List<OpenLineage.InputDataset> inputs, OpenLineage.OutputDataset output) {
    this.job = job;
    this.processing = processing;
    this.inputs = inputs;
    this.output = output;
  }

  static OpenLineage.InputDataset input(String namespace, String name, StructType schema) {
    return OL.newInputDatasetBuilder().namespace(namespace).name(name).facets(facets(schema)).build();
  }

  static OpenLineage.OutputDataset output(String namespace, String name, StructType schema) {
    return OL.newOutputDatasetBuilder().namespace(namespace).name(name).facets(facets(schema)).build();
  }

  private static OpenLineage.DatasetFacets facets(StructType schema) {
    var fields = Stream.of(schema.fields())
        .map(field -> OL.newSchemaDatasetFacetFieldsBuilder().name(field.name()).type(field.dataType().sql()).build())
        .collect(Collectors.toList());
    return OL.newDatasetFacetsBuilder().schema(OL.newSchemaDatasetFacet(fields)).build();
  }

  void tell(EventType type) {
    tell(type, null);
  }

  void tell(EventType type, Throwable error) {
    var facets = OL.newRunFacetsBuilder();
    if (error != null) {
      facets.errorMessage(OL.newErrorMessageRunFacet(String.valueOf(error.getMessage()), "java", null));
    }
    var jobType =
        OL.newJobTypeJobFacetBuilder().processingType(processing).integration("CUSTOM").jobType("JOB").build();
    var event = OL.newRunEventBuilder()
        .eventType(type)
        .eventTime(ZonedDateTime.now())
        .run(OL.newRun(run, facets.build()))
        .job(OL.newJob("shop", job, OL.newJobFacetsBuilder().jobType(jobType).build()))
        .inputs(inputs)
        .outputs(List.of(output))
        .build();
    try {
      client.emit(event);
    } catch (RuntimeException lost) {
      if (!CAREFUL) {
        throw lost;
      }
      System.err.println("lineage: " + type + " was lost: " + lost.getMessage());
    }
  }

  @Override
  public void close() throws Exception {
    client.close();
  }
}
"""
_JDBC = """\
import io.openlineage.client.OpenLineage.RunEvent.EventType;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.List;
import java.util.Properties;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Nightly job: reads orders and customers from PostgreSQL, and writes daily revenue there. */
public class JdbcRevenue {
  static final String SHOP = "postgres://localhost:54329";
  static final String URL = "jdbc:postgresql://localhost:54329/postgres";
  static final Properties USER = new Properties();

  static Dataset<Row> table(SparkSession spark, String name) {
    Dataset<Row> rows = spark.read().jdbc(URL, name, USER);
    rows.createOrReplaceTempView(name);
    return rows;
  }

  public static void main(String[] args) throws Exception {
    USER.setProperty("user", "postgres");
    USER.setProperty("driver", "org.postgresql.Driver");
    try (Connection shop = DriverManager.getConnection(URL, USER)) {
      var statement = shop.createStatement();
      statement.execute(
          "create table orders as select 1 as id, 1 as customer_id, date '2026-11-01' as day, 10 as amount");
      statement.execute("create table customers as select 1 as id, 'Ada' as name");
    }
    SparkSession spark = SparkSession.builder().appName("daily_revenue").master("local[1]")
        .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1").getOrCreate();
    Dataset<Row> orders = table(spark, "orders");
    Dataset<Row> customers = table(spark, "customers");
    Dataset<Row> revenue = spark.sql("select day, sum(amount) as revenue from orders o "
        + "join customers c on c.id = o.customer_id group by day");
    var inputs = List.of(
        Lineage.input(SHOP, "postgres.public.orders", orders.schema()),
        Lineage.input(SHOP, "postgres.public.customers", customers.schema()));
    var output = Lineage.output(SHOP, "postgres.public.daily_revenue", revenue.schema());
    try (Lineage lineage = new Lineage("daily_revenue", "BATCH", inputs, output)) {
      lineage.tell(EventType.START);
      try {
        boolean fails = args.length > 0 && args[0].equals("--fail");
        revenue.write().mode("overwrite").jdbc(URL, fails ? "no_such_schema.daily_revenue" : "daily_revenue", USER);
        lineage.tell(EventType.COMPLETE);
      } catch (Exception error) {
        lineage.tell(EventType.FAIL, error);
        throw error;
      }
    } finally {
      spark.stop();
    }
  }
}
"""
_STREAM = """\
import io.openlineage.client.OpenLineage.RunEvent.EventType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.Trigger;

/** A stream: takes the files of orders that there are, one in each batch, and appends them to paid orders. */
public class OrderStream {
  public static void main(String[] args) throws Exception {
    boolean fails = args.length > 0 && args[0].equals("--fail");
    Path orders = Files.createDirectories(Path.of("orders"));
    String paid = Path.of("paid_orders").toAbsolutePath().toString();
    for (int day = 1; day <= 3; day++) {
      String amount = fails && day == 3 ? "ten" : "10";
      Files.writeString(orders.resolve("day-" + day + ".csv"), day + ",2026-11-0" + day + "," + amount + "\\n");
      Files.setLastModifiedTime(orders.resolve("day-" + day + ".csv"),
          java.nio.file.attribute.FileTime.fromMillis(1793491200000L + day * 1000L));
    }
    SparkSession spark = SparkSession.builder().appName("order_stream").master("local[1]")
        .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1").getOrCreate();
    Dataset<Row> read = spark.readStream().schema("id int, day date, amount int").option("mode", "FAILFAST")
        .option("maxFilesPerTrigger", 1).csv(orders.toAbsolutePath().toString());
    var inputs = List.of(Lineage.input("file", orders.toAbsolutePath().toString(), read.schema()));
    try (Lineage lineage =
        new Lineage("order_stream", "STREAMING", inputs, Lineage.output("file", paid, read.schema()))) {
      lineage.tell(EventType.START);
      VoidFunction2<Dataset<Row>, Long> batch = (rows, number) -> {
        rows.write().mode("append").parquet(paid);
        lineage.tell(EventType.RUNNING);
      };
      try {
        read.writeStream().option("checkpointLocation", Path.of("checkpoints").toAbsolutePath().toString())
            .trigger(Trigger.AvailableNow()).foreachBatch(batch).start().awaitTermination();
        lineage.tell(EventType.COMPLETE);
      } catch (Exception error) {
        lineage.tell(EventType.FAIL, error);
        throw error;
      }
    } finally {
      spark.stop();
    }
  }
}
"""
_JAVA = ("java", *OPENS, QUIET, "-cp", "{cache}/lib/*:{cache}/classes")
_ON_POSTGRES = ("python3", "with_postgres.py", *_JAVA, "JdbcRevenue")
_STREAMING = (*_JAVA, "OrderStream")
_SCENARIOS = frozenset({"healthy", "failing", "503-once", "reset-once", "slow", "refusing", "403-always"})
_CATCH = Cure(
    "Catch OpenLineageClientException around emit(), and log it.",
    ("resilience/refusing-intake",),
    environment={"SHOP_CATCHES": "1"},
    scenarios=frozenset({"healthy", "refusing"}),
)

PRODUCERS = (
    RealProducer(
        "spark-jdbc",
        "Apache Spark over JDBC into PostgreSQL, its driver tells lineage with openlineage-java",
        Maven((*ARTIFACTS, "org.postgresql:postgresql:42.7.8")),
        {
            "JdbcRevenue.java": _JDBC,
            "Lineage.java": _LINEAGE,
            "log4j2.properties": LOGGING,
            "with_postgres.py": WITH_POSTGRES,
        },
        _ON_POSTGRES,
        (*_ON_POSTGRES, "--fail"),
        path="http",
        reads=READS,
        how="Nothing of Spark's is set: the driver's own code sends, led by OPENLINEAGE__TRANSPORT__*.",
        scenarios=_SCENARIOS,
        # The server has one port.
        jobs=1,
        time_limit=200,
        cures=(_CATCH,),
    ),
    RealProducer(
        "spark-streaming",
        "Apache Spark, a stream whose driver tells lineage with openlineage-java",
        Maven(ARTIFACTS),
        {"OrderStream.java": _STREAM, "Lineage.java": _LINEAGE, "log4j2.properties": LOGGING},
        _STREAMING,
        (*_STREAMING, "--fail"),
        path="http",
        reads=READS,
        how="Nothing of Spark's is set: the driver's own code sends START, RUNNING after each batch, and COMPLETE, led "
        "by OPENLINEAGE__TRANSPORT__*. What emit() throws within a batch ends the stream.",
        scenarios=_SCENARIOS,
        time_limit=200,
        cures=(_CATCH,),
    ),
)
