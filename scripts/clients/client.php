<?php
// One HTTP client of PHP, named by the first argument: reads requests as lines of JSON, writes what came as lines of JSON.

function with_curl(string $url, string $method, array $headers, string $body): array {
    $curl = curl_init($url);
    curl_setopt_array($curl, [CURLOPT_CUSTOMREQUEST => $method, CURLOPT_HTTPHEADER => $headers, CURLOPT_POSTFIELDS => $body, CURLOPT_RETURNTRANSFER => true]);
    $text = curl_exec($curl);
    if ($text === false) throw new Exception(curl_error($curl));
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $text];
}

function with_streams(string $url, string $method, array $headers, string $body): array {
    $context = stream_context_create(['http' => ['method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true]]);
    $text = @file_get_contents($url, false, $context);
    if ($text === false) throw new Exception(error_get_last()['message'] ?? 'no answer');
    return [(int) explode(' ', $http_response_header[0])[1], $text];
}

$client = ['php-curl' => 'with_curl', 'php-streams' => 'with_streams'][$argv[1]];
while (($line = fgets(STDIN)) !== false) {
    $asked = json_decode($line, true);
    $headers = array_map(fn($name, $value) => "$name: $value", array_keys($asked['headers']), $asked['headers']);
    try {
        [$status, $text] = $client($asked['url'], $asked['method'], $headers, file_get_contents($asked['file']));
        $came = ['status' => $status, 'text' => $text];
    } catch (Throwable $error) {
        $came = ['failed' => $error->getMessage()];
    }
    echo json_encode($came), "\n";
    flush();
}
