"""The machine: which core does what, what it is, what it allows."""

import os
import platform
import resource
import subprocess


class Cores:
    """The server has one core to itself; load, handlers and upstreams share another."""

    def __init__(self, text=None):
        allowed = sorted(os.sched_getaffinity(0))
        if text:
            server, _, load = text.partition(":")
            self.server, self.load = int(server), int(load or server)
        else:
            # The first core takes most interrupts: leave it to the load.
            self.server, self.load = allowed[-1], allowed[0]
        for core in (self.server, self.load):
            if core not in allowed:
                raise ValueError(f"core {core} is not among those allowed here: {allowed}")

    @property
    def shared(self):
        return self.server == self.load

    def keep_to_load(self):
        """This process and all it starts run on the load core unless told otherwise."""
        os.sched_setaffinity(0, {self.load})


def allow_descriptors(wanted):
    """Raises the limit of open files as far as allowed, up to `wanted`; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for new in ((wanted, max(wanted, hard)), (min(wanted, hard), hard)):
        try:
            if soft < wanted:
                resource.setrlimit(resource.RLIMIT_NOFILE, new)
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def set_nice(value):
    """Of this process and all it starts. PermissionError when it may not be so low."""
    if value:
        os.setpriority(os.PRIO_PROCESS, 0, value)


def _cpu_model():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def describe(cores):
    """What a reader of figures wants to know of the machine."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "server_core": cores.server,
        "load_core": cores.load,
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
    }


def package_version(package):
    """Version of an installed Debian package; None when it is not one."""
    try:
        out = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True,
                             text=True, timeout=10)
    except OSError:
        return None
    return out.stdout.strip() if out.returncode == 0 and out.stdout.strip() else None
