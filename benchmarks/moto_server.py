"""moto's S3 server, for the benchmark of backends.

`python -m benchmarks.moto_server` prints its URL and serves until its input ends.
"""

from __future__ import annotations

import logging
import sys


def main() -> None:
    """Serve."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
