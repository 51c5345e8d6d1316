"""lighttpd: one process, its own defaults for files."""

from ..processes import find_program
from .base import Contender, write

CONF = """\
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{docroot}"
server.errorlog = "{work}/error.log"
server.pid-file = "{work}/lighttpd.pid"
server.max-fds = {files}
server.max-connections = {connections}
server.listen-backlog = 4096
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 600
server.max-read-idle = 600
server.max-write-idle = 600
mimetype.assign = ( "" => "text/plain" )
"""


class Lighttpd(Contender):
    name = "lighttpd"
    program = "lighttpd"
    package = "lighttpd"
    kinds = {"static": "static"}

    def static(self, job):
        conf = write(job.work / "lighttpd.conf", CONF.format(
            port=job.port, docroot=job.docroot, work=job.work, connections=job.connections - 100,
            files=job.connections))
        return [find_program("lighttpd"), "-D", "-f", conf]
