"""nginx: one worker, sendfile, open file cache, kept-alive upstreams; and nchan for fan-out."""

import os

from ..machine import package_version
from ..processes import find_program
from .base import Contender, write

NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so"

CONF = """\
{modules}
daemon off;
worker_processes 1;
{user}
pid {work}/nginx.pid;
error_log {work}/error.log error;
worker_rlimit_nofile {files};
events {{
    worker_connections {connections};
    multi_accept on;
}}
http {{
    access_log off;
    types {{ }}
    default_type text/plain;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=600s;
    open_file_cache_valid 60s;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    {upstream}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        {locations}
    }}
}}
"""


class Nginx(Contender):
    name = "nginx"
    program = "nginx"
    package = "nginx-light"
    kinds = {"static": "static", "proxy": "proxy", "routes": "routes"}
    companions = {"proxy": "upstream"}

    def version(self):
        return package_version("nginx-common") or "unknown"

    def static(self, job):
        return self._command(job, f"location / {{ root {job.docroot}; }}")

    def proxy(self, job):
        upstream = f"upstream u {{ server 127.0.0.1:{job.upstream_port}; keepalive 1024; " \
                   "keepalive_requests 1000000000; }"
        return self._command(job, 'location / { proxy_pass http://u; proxy_http_version 1.1; '
                                  'proxy_set_header Connection ""; }', upstream=upstream)

    def routes(self, job):
        locations = "\n".join(f"location /r{i}/ {{ alias {job.docroot}/; }}"
                              for i in range(job.routes))
        return self._command(job, locations)

    def _command(self, job, locations, upstream="", modules=""):
        conf = write(job.work / "nginx.conf", CONF.format(
            work=job.work, port=job.port, locations=locations, upstream=upstream, modules=modules,
            connections=job.connections - 100, files=job.connections,
            user="user root;" if os.geteuid() == 0 else ""))
        return [find_program("nginx"), "-p", job.work, "-c", conf]


class Nchan(Nginx):
    """Raw streams: the listener gets what the publisher sent, with a line end behind it."""

    name = "nchan"
    package = "libnginx-mod-nchan"
    kinds = {"fanout": "fanout"}
    companions = {}
    publish = "/publish"
    separator = 1

    def missing(self):
        if os.path.exists(NCHAN):
            return super().missing()
        return f"the nchan module is not installed (package {self.package})"

    def version(self):
        return package_version(self.package) or "unknown"

    def fanout(self, job):
        return self._command(job, f"""
        location = {self.publish} {{
            nchan_publisher;
            nchan_channel_id bench;
            nchan_message_timeout 5s;
        }}
        location = /fan {{
            nchan_subscriber http-raw-stream;
            nchan_channel_id bench;
            nchan_subscriber_first_message newest;
        }}""", modules=f"load_module {NCHAN};")
