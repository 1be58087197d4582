"""The guestbook's front: one page, and /api/ handed on to the API.

GET /                 the page, with the greeting and the name of the pod that answered
GET|POST /api/...     handed on to the API
GET /healthz          200 while serving
"""

import html
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API = os.environ["API_URL"]
DRAIN = float(os.environ.get("DRAIN_SECONDS", "1"))
PAGE = (
    os.environ["PAGE"]
    .replace("{greeting}", html.escape(os.environ.get("GREETING", "Hello")))
    .replace("{environment}", html.escape(os.environ.get("ENVIRONMENT", "")))
    .replace("{color}", html.escape(os.environ.get("COLOR", "#2b5fa8")))
    .replace("{pod}", html.escape(os.environ.get("POD_NAME", "")))
).encode()


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/":
            self.answer(200, PAGE, "text/html; charset=utf-8")
        elif self.path == "/healthz":
            self.answer(200, b'{"status": "ok"}', "application/json")
        elif self.path.startswith("/api/"):
            self.hand_on(None)
        else:
            self.answer(404, b"not found\n", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/api/"):
            self.hand_on(body)
        else:
            self.answer(404, b"not found\n", "text/plain")

    def hand_on(self, body: bytes | None) -> None:
        request = urllib.request.Request(API + self.path, data=body, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                self.answer(response.status, response.read(), "application/json")
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.read(), "application/json")
        except OSError:
            self.answer(502, b'{"error": "the API does not answer"}', "application/json")

    def answer(self, code: int, data: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        if self.path != "/healthz":
            print(format % args, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def stop(*_: object) -> None:
    """Serve on while the Service forgets this pod, then end."""

    def drain() -> None:
        time.sleep(DRAIN)
        server.shutdown()

    threading.Thread(target=drain).start()


server = Server((os.environ.get("POD_IP", "127.0.0.1"), int(os.environ.get("PORT", "8080"))), Web)
signal.signal(signal.SIGTERM, stop)
print(f"web: listening on {server.server_address[0]}:{server.server_address[1]}", flush=True)
server.serve_forever(poll_interval=0.1)
