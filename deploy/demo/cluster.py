"""Runs the demo cluster of deploy/quickstart: coordinator, two nodes, HAProxy, two workers.

Everything lives in one temporary directory and listens on loopback only. All processes are children
of this one and end with it.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = os.path.join(ROOT, "deploy", "demo")
BIN = os.path.join(ROOT, "build", "bin")
UUID = "6a3ad4a5-38ef-4e4c-8d49-2ab0f1a4f001"
PREFERRED_PORT = 6767
PATIENCE_S = 20

CONFIG = """\
demo = Handler(pool="demo")

site = Host(name="localhost", routes={{
    "/": Dir(base="{www}/", index_file="index.html", default_ctype="text/plain"),
    "/hello": demo,
    "/health": Status(what="health"),
    "/status": Status(what="status"),
    "/dashboard": Status(what="dashboard"),
    "/metrics": Status(what="metrics"){more}
}})

servers = [Server(
    uuid="{uuid}", name="demo", default_host="localhost", chroot="",
    access_log="/access.log", error_log="/error.log", pid_file="/mongrel2.pid",
    bind_addr="127.0.0.1", port=6768, hosts=[site]
)]
"""

HAPROXY = """\
global
    maxconn 2000
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend front
    bind 127.0.0.1:{front}
    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk GET /health
    default-server inter 500ms fall 2 rise 1
    server alpha 127.0.0.1:{alpha} check
    server beta 127.0.0.1:{beta} check
"""


class Failure(Exception):
    pass


def free_port(preferred=0):
    for port in (preferred, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                if port == 0:
                    raise


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        problem = condition()
        if problem is None:
            return
        if time.monotonic() > deadline:
            raise Failure("%s: not within %d s (%s)" % (what, PATIENCE_S, problem))
        time.sleep(0.05)


def fetch(url):
    """(status, body, headers) of a GET on a connection of its own."""
    request = urllib.request.Request(url, headers={"Connection": "close"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers
    except OSError as error:
        return 0, str(error), {}


class Cluster:
    def __init__(self, is_check):
        self.dir = tempfile.mkdtemp(prefix="mongrel2-demo-")
        self.processes = []
        self.requests = "tcp://127.0.0.1:%d" % free_port()
        self.updates = "tcp://127.0.0.1:%d" % free_port()
        self.page = "127.0.0.1:%d" % free_port()
        self.nodes = {"alpha": free_port(), "beta": free_port()}
        self.front = free_port(0 if is_check else PREFERRED_PORT)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, name, *command):
        log = open(self.path(name + ".log"), "wb")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.processes.append((name, process))
        return process

    def stop(self):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + 5
        for _, process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def check_alive(self):
        for name, process in self.processes:
            if process.poll() is not None:
                with open(self.path(name + ".log"), errors="replace") as log:
                    raise Failure("%s has ended with status %d:\n%s"
                                  % (name, process.returncode, log.read()[-2000:]))

    def m2sh(self, command, *options):
        done = subprocess.run([os.path.join(BIN, "m2sh"), command, "-cluster", self.requests, *options],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)
        if done.returncode != 0:
            raise Failure("m2sh %s: exit status %d\n%s" % (command, done.returncode, done.stdout))
        return done.stdout

    def push(self, more, why):
        path = self.path("mongrel2.conf")
        with open(path, "w") as conf:
            conf.write(CONFIG.format(www=os.path.join(DEMO, "www"), uuid=UUID, more=more))
        return self.m2sh("push", "-config", path, "-why", why)

    def start_all(self):
        print("coordinator %s, updates %s" % (self.requests, self.updates), flush=True)
        self.start("coordinator", os.path.join(BIN, "mongrel2-coordinator"), "-store",
                   "sqlite:" + self.path("coordinator.sqlite"), "-listen", self.requests, "-publish", self.updates,
                   "-http", self.page)
        for name, port in self.nodes.items():
            print("node %s on 127.0.0.1:%d" % (name, port), flush=True)
            self.start(name, os.path.join(BIN, "mongrel2"), "-coordinator", self.requests, "-server", "demo",
                       "-node", name, "-state", self.path("state-" + name), "-port", str(port))
        wait_for("nodes in the cluster", self.nodes_have_joined)
        print(self.push("", "first configuration").rstrip(), flush=True)
        with open(self.path("haproxy.cfg"), "w") as conf:
            conf.write(HAPROXY.format(front=self.front, **self.nodes))
        print("load balancer on 127.0.0.1:%d" % self.front, flush=True)
        haproxy = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        self.start("haproxy", haproxy, "-db", "-f", self.path("haproxy.cfg"))
        for name in ("worker-1", "worker-2"):
            self.start(name, sys.executable, os.path.join(DEMO, "worker.py"), self.requests)
        wait_for("both nodes behind the load balancer", self.nodes_answer)
        wait_for("both workers behind both nodes", self.workers_answer)

    def nodes_have_joined(self):
        self.check_alive()
        try:
            table = self.m2sh("nodes")
        except Failure as failure:
            return str(failure)
        missing = [name for name in self.nodes if name not in table]
        return "waiting for " + ", ".join(missing) if missing else None

    def url(self, path, port=None):
        return "http://127.0.0.1:%d%s" % (port or self.front, path)

    def nodes_answer(self):
        self.check_alive()
        seen = set()
        for _ in range(6):
            status, body, _ = fetch(self.url("/status"))
            if status != 200:
                return "status %d %s" % (status, body[:80])
            seen.add(body.split('"uuid":"')[1][:36])
        return None if len(seen) == 2 else "%d nodes answer" % len(seen)

    def workers_answer(self):
        self.check_alive()
        for port in self.nodes.values():
            workers = set()
            for _ in range(12):
                status, body, _ = fetch(self.url("/hello", port))
                if status != 200:
                    return "status %d" % status
                workers.add(body.split()[3])
            if len(workers) < 2:
                return "%d worker on port %d" % (len(workers), port)
        return None


def prove(cluster):
    """One line per proof; raises Failure."""
    status, body, _ = fetch(cluster.url("/"))
    if status != 200 or "It serves." not in body:
        raise Failure("the page through the load balancer: status %d" % status)
    print("ok  a file through the load balancer", flush=True)
    if cluster.nodes_answer() is not None:
        raise Failure("both nodes must answer: %s" % cluster.nodes_answer())
    print("ok  both nodes answer through the load balancer", flush=True)
    if cluster.workers_answer() is not None:
        raise Failure("both workers must answer: %s" % cluster.workers_answer())
    print("ok  both handlers answer through every node", flush=True)
    for name, port in cluster.nodes.items():
        if fetch(cluster.url("/elsewhere", port))[0] != 404:
            raise Failure("node %s has a route that nobody configured" % name)
    cluster.push(',\n    "/elsewhere": Redirect(to="/hello", status=302)', "add a redirect")
    for name, port in cluster.nodes.items():
        request = urllib.request.Request(cluster.url("/elsewhere", port), headers={"Connection": "close"})
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(request, timeout=5)
            raise Failure("node %s does not redirect" % name)
        except urllib.error.HTTPError as answer:
            if answer.code != 302 or answer.headers["Location"] != "/hello":
                raise Failure("node %s answers %d after the push" % (name, answer.code))
    print("ok  m2sh push changed both nodes", flush=True)
    log = cluster.m2sh("log")
    if "add a redirect" not in log:
        raise Failure("the log does not tell of the push:\n" + log)
    print("ok  m2sh log tells who, when and why", flush=True)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def invite(cluster):
    m2sh = os.path.relpath(os.path.join(BIN, "m2sh"))
    print("""
The cluster runs. Try:

  1  curl http://127.0.0.1:{front}/hello            again and again: workers and nodes take turns
  2  {m2sh} nodes -cluster {requests}
     and {m2sh} log -cluster {requests}
  3  edit {conf} and push it:
     {m2sh} push -cluster {requests} -config {conf} -why "my first push"
     and see it arrive at http://{page}/

Logs are in {dir}. Ctrl-C ends everything.""".format(front=cluster.front, m2sh=m2sh, requests=cluster.requests, page=cluster.page,
                                                        conf=cluster.path("mongrel2.conf"), dir=cluster.dir),
          flush=True)
    ended = set()
    while True:  # whoever kills one of them wants to see what the others do
        for name, process in cluster.processes:
            if process.poll() is not None and name not in ended:
                ended.add(name)
                print("%s has ended with status %d" % (name, process.returncode), flush=True)
        time.sleep(0.5)


def main():
    is_check = len(sys.argv) > 1
    cluster = Cluster(is_check)
    atexit.register(cluster.stop)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        cluster.start_all()
        if is_check:
            prove(cluster)
        else:
            invite(cluster)
    except Failure as failure:
        print("quickstart: %s" % failure, file=sys.stderr)
        for name, _ in cluster.processes:
            with open(cluster.path(name + ".log"), errors="replace") as log:
                print("-- %s.log\n%s" % (name, log.read()[-1500:]), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
