import io.openlineage.client.Clients;
import io.openlineage.client.OpenLineage;
import io.openlineage.client.OpenLineageClient;
import io.openlineage.client.transports.ApiKeyTokenProvider;
import io.openlineage.client.transports.HttpConfig;
import io.openlineage.client.transports.HttpTransport;
import java.net.URI;
import java.time.ZonedDateTime;
import java.util.UUID;

/**
 * A run by the official Java client: set by its environment, or with "code" as its argument in the code, to a real site.
 */
public class OpenLineageJob {
    private static final URI CODE = URI.create("https://github.com/acme/etl");
    private static final UUID RUN = UUID.randomUUID();

    public static void main(String[] arguments) throws Exception {
        OpenLineage lineage = new OpenLineage(CODE);
        boolean inCode = arguments.length > 0 && arguments[0].equals("code");
        try (OpenLineageClient client = inCode ? setInCode() : Clients.newClient()) {
            client.emit(event(lineage, OpenLineage.RunEvent.EventType.START));
            client.emit(event(lineage, OpenLineage.RunEvent.EventType.COMPLETE));
        }
    }

    private static OpenLineageClient setInCode() {
        HttpConfig config = new HttpConfig();
        // For the one measurement in which something else stands for production.
        String elsewhere = System.getenv("JOB_IN_PRODUCTION");
        config.setUrl(URI.create(elsewhere == null ? "https://data-obs-intake.datadoghq.com" : elsewhere));
        ApiKeyTokenProvider key = new ApiKeyTokenProvider();
        key.setApiKey(System.getenv("DD_API_KEY"));
        config.setAuth(key);
        return OpenLineageClient.builder().transport(new HttpTransport(config)).build();
    }

    private static OpenLineage.RunEvent event(OpenLineage lineage, OpenLineage.RunEvent.EventType type) {
        OpenLineage.JobTypeJobFacet jobType =
                lineage.newJobTypeJobFacetBuilder()
                        .processingType("BATCH")
                        .integration("CUSTOM")
                        .jobType("JOB")
                        .build();
        OpenLineage.Job job =
                lineage.newJobBuilder()
                        .namespace(System.getenv("OPENLINEAGE_NAMESPACE"))
                        .name("load_orders")
                        .facets(lineage.newJobFacetsBuilder().jobType(jobType).build())
                        .build();
        return lineage.newRunEventBuilder()
                .eventType(type)
                .eventTime(ZonedDateTime.now())
                .run(lineage.newRunBuilder().runId(RUN).build())
                .job(job)
                .build();
    }
}
