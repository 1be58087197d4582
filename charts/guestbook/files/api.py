"""The guestbook's API: checks what people write and keeps it in the store.

GET /api/entries      the entries, newest first
POST /api/entries     {"author": ..., "text": ...}; 422 with a reason when it is not acceptable
GET /healthz          200 while serving
"""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STORE = os.environ["STORE_URL"]
MAX_TEXT = int(os.environ.get("MAX_TEXT", "280"))
DRAIN = float(os.environ.get("DRAIN_SECONDS", "1"))


def store(method: str, value: object = None) -> tuple[int, object]:
    data = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(f"{STORE}/entries", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.load(response)
    except (OSError, urllib.error.URLError) as error:
        return 502, {"error": f"the store does not answer: {error}"}


def fault(entry: object) -> str:
    if not isinstance(entry, dict):
        return "send a JSON object"
    author, text = str(entry.get("author") or "").strip(), str(entry.get("text") or "").strip()
    if not author or not text:
        return "author and text are needed"
    if len(text) > MAX_TEXT:
        return f"text is longer than {MAX_TEXT} characters"
    return ""


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            return self.answer(200, {"status": "ok"})
        if self.path != "/api/entries":
            return self.answer(404, {"error": f"no such path: {self.path}"})
        code, found = store("GET")
        self.answer(code, found[::-1] if isinstance(found, list) else found)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/api/entries":
            return self.answer(404, {"error": f"no such path: {self.path}"})
        try:
            entry = json.loads(body)
        except ValueError:
            entry = None
        wrong = fault(entry)
        if wrong:
            return self.answer(422, {"error": wrong})
        self.answer(*store("POST", {"author": entry["author"].strip(), "text": entry["text"].strip()}))

    def answer(self, code: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
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


server = Server((os.environ.get("POD_IP", "127.0.0.1"), int(os.environ.get("PORT", "8081"))), Api)
signal.signal(signal.SIGTERM, stop)
print(f"api: listening on {server.server_address[0]}:{server.server_address[1]}", flush=True)
server.serve_forever(poll_interval=0.1)
