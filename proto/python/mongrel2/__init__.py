"""Handlers for Mongrel2, classic and in pools.

===================================  ========================================================
:class:`Connection`                  a classic handler: PULL and PUB to each node
:class:`Worker`                      a member of a pool: finds its nodes, loses no request
:class:`AsyncConnection`,            the same for asyncio
:class:`AsyncWorker`
:class:`Request`                     what a node sends
:class:`ControlPort`                 a node's control port
:class:`Cluster`                     requests to the coordinators
===================================  ========================================================

:mod:`mongrel2.reply` and :mod:`mongrel2.tnetstrings` have the formats as plain functions.
"""

from .async_worker import AsyncWorker
from .control import Cluster, ControlError, ControlPort, Table, Unreachable
from .handler import AsyncConnection, Connection, ReceiveTimeout
from .replier import Replier
from .request import BadMessage, Headers, Listener, Request
from .worker import Worker, WorkerClosed

__version__ = "2.0.0"

__all__ = [
    "AsyncConnection",
    "AsyncWorker",
    "BadMessage",
    "Cluster",
    "Connection",
    "ControlError",
    "ControlPort",
    "Headers",
    "Listener",
    "ReceiveTimeout",
    "Replier",
    "Request",
    "Table",
    "Unreachable",
    "Worker",
    "WorkerClosed",
]
