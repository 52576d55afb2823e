import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import javax.net.ssl.HttpsURLConnection;

/** Sends an event to a real site, whose address stands in its code, by both clients of the JDK; says the statuses. */
public class RealSite {
    private static final String SITE = "https://data-obs-intake.datadoghq.com/api/v1/lineage";
    private static final String KEY = "Bearer " + System.getenv("DD_API_KEY");
    private static final String EVENT = "{\"eventType\": \"START\"}";

    public static void main(String[] arguments) throws Exception {
        System.out.println(said(RealSite::byHttpClient));
        System.out.println(said(RealSite::byUrlConnection));
    }

    private interface Sending {
        int status() throws Exception;
    }

    private static String said(Sending sending) throws Exception {
        try {
            return String.valueOf(sending.status());
        } catch (IOException error) {
            return error.getClass().getSimpleName();
        }
    }

    private static int byHttpClient() throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(SITE))
                        .header("Authorization", KEY)
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(EVENT))
                        .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
    }

    private static int byUrlConnection() throws Exception {
        HttpsURLConnection connection = (HttpsURLConnection) new URL(SITE).openConnection();
        connection.setDoOutput(true);
        connection.setRequestProperty("Authorization", KEY);
        connection.setRequestProperty("Content-Type", "application/json");
        try (OutputStream out = connection.getOutputStream()) {
            out.write(EVENT.getBytes());
        }
        return connection.getResponseCode();
    }
}
