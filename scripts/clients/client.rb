# Ruby's own HTTP client: reads requests as lines of JSON, writes what came as lines of JSON.
require "json"
require "net/http"

$stdout.sync = true
$stdin.each_line do |line|
  asked = JSON.parse(line)
  begin
    uri = URI(asked["url"])
    request = Net::HTTPGenericRequest.new(asked["method"], true, true, uri, asked["headers"])
    request.body = File.binread(asked["file"])
    answer = Net::HTTP.start(uri.host, uri.port) { |http| http.request(request) }
    came = { status: answer.code.to_i, text: answer.body.force_encoding("UTF-8") }
  rescue StandardError => error
    came = { failed: "#{error.class}: #{error.message}" }
  end
  puts JSON.generate(came)
end
