import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

/** One of Java's own HTTP clients, named by the first argument: reads requests as lines with tabs between, writes what came likewise. */
public class Client {
    interface Asks {
        String[] ask(String url, String method, Map<String, String> headers, byte[] body) throws Exception;
    }

    static String[] withHttpClient(String url, String method, Map<String, String> headers, byte[] body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).method(method, HttpRequest.BodyPublishers.ofByteArray(body));
        headers.forEach(request::header);
        var answer = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new String[] {String.valueOf(answer.statusCode()), answer.body()};
    }

    static String[] withUrlConnection(String url, String method, Map<String, String> headers, byte[] body) throws Exception {
        var connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setRequestMethod(method);
        headers.forEach(connection::setRequestProperty);
        connection.setDoOutput(true);
        try (var out = connection.getOutputStream()) {
            out.write(body);
        }
        var status = connection.getResponseCode();
        var stream = status < 400 ? connection.getInputStream() : connection.getErrorStream();
        return new String[] {String.valueOf(status), new String(stream.readAllBytes(), StandardCharsets.UTF_8)};
    }

    public static void main(String[] names) throws IOException {
        Asks client = names[0].equals("java-http") ? Client::withHttpClient : Client::withUrlConnection;
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            var asked = line.split("\t");
            var headers = new LinkedHashMap<String, String>();
            for (int at = 3; at + 1 < asked.length; at += 2) headers.put(asked[at], asked[at + 1]);
            try {
                var came = client.ask(asked[0], asked[1], headers, Files.readAllBytes(Path.of(asked[2])));
                // An answer ends with a line of its own; here it is one line with its status.
                System.out.println(came[0] + "\t" + came[1].strip());
            } catch (Exception error) {
                System.out.println("failed\t" + error);
            }
        }
    }
}
