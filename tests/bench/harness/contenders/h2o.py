"""h2o: one thread, files from a directory."""

import os

from ..processes import find_program
from .base import Contender, write

CONF = """\
listen:
  host: 127.0.0.1
  port: {port}
{user}
num-threads: 1
max-connections: {connections}
http1-request-timeout: 600
pid-file: {work}/h2o.pid
error-log: {work}/error.log
file.mime.setdefaulttype: text/plain
hosts:
  default:
    paths:
      "/":
        file.dir: {docroot}
"""


class H2o(Contender):
    name = "h2o"
    program = "h2o"
    package = "h2o"
    kinds = {"static": "static"}

    def static(self, job):
        conf = write(job.work / "h2o.conf", CONF.format(
            port=job.port, connections=job.connections - 100, work=job.work, docroot=job.docroot,
            user="user: root" if os.geteuid() == 0 else ""))
        return [find_program("h2o"), "-m", "worker", "-c", conf]
