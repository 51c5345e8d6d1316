"""A demo handler: one worker of the pool `demo`. Says who answered, and through which node.

    worker.py COORDINATOR [POOL]
"""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../proto/python"))

from mongrel2 import Worker  # noqa: E402


def hello(worker, request):
    text = "Hello from worker %d, asked by node %s.\n" % (os.getpid(), request.sender.decode())
    worker.reply_http(request, text.encode(), headers={"Content-Type": "text/plain"})


def main():
    coordinator = sys.argv[1]
    pool = sys.argv[2] if len(sys.argv) > 2 else "demo"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Worker(pool, coordinators=[coordinator], capacity=8) as worker:
        worker.run(hello)


if __name__ == "__main__":
    main()
