"""The guestbook's store: entries in memory, newest last, over HTTP.

GET /entries          all entries, as a JSON list
POST /entries         {"author": ..., "text": ...} adds one; 201 with the stored entry
GET /healthz          200 while serving
"""

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIMIT = int(os.environ.get("ENTRY_LIMIT", "200"))
entries: list[dict[str, object]] = []
lock = threading.Lock()


class Store(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif self.path == "/entries":
            with lock:
                self.answer(200, list(entries))
        else:
            self.answer(404, {"error": f"no such path: {self.path}"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path != "/entries":
            return self.answer(404, {"error": f"no such path: {self.path}"})
        try:
            given = json.loads(body)
            entry = {"author": str(given["author"]), "text": str(given["text"]), "time": int(time.time())}
        except (ValueError, KeyError, TypeError):
            return self.answer(400, {"error": "send JSON with author and text"})
        with lock:
            entries.append(entry)
            del entries[:-LIMIT]
        self.answer(201, entry)

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


server = Server((os.environ.get("POD_IP", "127.0.0.1"), int(os.environ.get("PORT", "6380"))), Store)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print(f"store: listening on {server.server_address[0]}:{server.server_address[1]}", flush=True)
server.serve_forever(poll_interval=0.1)
