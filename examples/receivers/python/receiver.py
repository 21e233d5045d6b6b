"""A receiver of webhooks in Python: pip install -r requirements.txt, then SECRET=whsec_… PORT=9000 python receiver.py"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["SECRET"])


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            # The signature stands on the bytes as they came: verify first, parse afterwards.
            webhook.verify(body.decode(), {name.lower(): value for name, value in self.headers.items()})
            # The same event can come twice: remember the id of what was handled.
            print("verified", self.headers["webhook-id"], json.loads(body)["event"], flush=True)
            self.send_response(204)
        except WebhookVerificationError as error:
            print("refused:", error, flush=True)
            self.send_response(400)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 9000))), Receiver)
print("listening on", server.server_port, flush=True)
server.serve_forever()
