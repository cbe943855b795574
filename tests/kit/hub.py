"""A model hub on loopback: the part of its HTTP interface that the hub's client uses to download one model."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

NAME: Final = "org/name"
REVISION: Final = "v1"
COMMIT: Final = "a" * 40


@contextmanager
def hub(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve `files` as the model org/name@v1, and lend the address to set as `HF_ENDPOINT`."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path, headers = self.path.partition("?")[0], dict[str, str]()
            resolved = f"/{NAME}/resolve/{COMMIT}/"
            if path == f"/api/models/{NAME}/revision/{REVISION}":
                siblings = [{"rfilename": each} for each in files]
                body = json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode()
            elif path == f"/api/models/{NAME}/tree/{COMMIT}":
                tree = [
                    {"type": "file", "path": each, "size": len(content), "oid": _oid(content)}
                    for each, content in files.items()
                ]
                body = json.dumps(tree).encode()
            elif path.startswith(resolved) and (name := path.removeprefix(resolved)) in files:
                body = files[name]
                headers = {"ETag": f'"{_oid(body)}"', "X-Repo-Commit": COMMIT}
            else:
                self.send_error(404)
                return
            self.send_response(200)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, to be served."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _oid(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
