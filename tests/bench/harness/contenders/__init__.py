"""The table of contenders, in the order of the reports."""

from .h2o import H2o
from .haproxy import Haproxy
from .lighttpd import Lighttpd
from .limit import Limit, LimitGathered
from .mongrel2 import Mongrel2, Ours, OursPool
from .nginx import Nchan, Nginx

CONTENDERS = (Mongrel2, Nginx, Nchan, H2o, Lighttpd, Haproxy, Ours, OursPool, Limit, LimitGathered)


def make_contenders(options):
    """One of each, by name."""
    return {kind.name: kind(options) for kind in CONTENDERS}
