"""Receives deliveries on this machine, here the test that Wharf sends first. WHARF_URL and WHARF_API_KEY say where and as whom."""

import base64
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from wharf import SignatureError, Wharf, verify

#: One's own secret: the server can check the very first delivery by it.
SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()
done = threading.Event()


class Receiver(BaseHTTPRequestHandler):
    """Answers first and works afterwards: Wharf waits a few seconds only."""

    def do_POST(self) -> None:
        """A delivery."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = verify(body, dict(self.headers), SECRET)
        except SignatureError as error:
            print("refused:", error)
            self.send_error(400)
            return
        self.send_response(204)
        self.end_headers()
        print("got", event.event, event.event_id)
        done.set()


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
with Wharf() as wharf:
    webhook = wharf.webhooks.create(url=f"http://127.0.0.1:{server.server_port}/", events=["message.received"], secret=SECRET)
    done.wait(30)
    wharf.webhooks.delete(webhook.webhook_id)
