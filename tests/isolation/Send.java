import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Sends an event to each of its arguments, as a JVM producer does, and says the status, or what came instead. */
public class Send {
    public static void main(String[] urls) throws Exception {
        HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
        for (String url : urls) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(url))
                            .header("Authorization", "Bearer " + "0".repeat(32))
                            .header("Content-Type", "application/json; charset=UTF-8")
                            .POST(HttpRequest.BodyPublishers.ofString("{}"))
                            .build();
            try {
                System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
            } catch (java.io.IOException error) {
                System.out.println(error.getClass().getSimpleName());
            }
        }
    }
}
