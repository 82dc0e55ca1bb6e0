"""Listens until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket

import uvicorn
from fastapi import FastAPI

from squeezebert.errors import ConfigError
from squeezebert.serving.logs import event, log_as_json
from squeezebert.serving.service import Service

BACKLOG = 2048
"""Connections that the system keeps until they are taken."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays: longer than the 60 s of most load balancers, which would
otherwise send a request into one that is being closed.
"""

SPARE_SECONDS = 5.0
"""What a shutdown has beyond the longest time that a request may take."""


def listen(host: str, port: int) -> socket.socket:
    """An open socket; a free port where ``port`` is 0.

    Raises:
        ConfigError: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}",
            hint="choose another with --host and --port",
        ) from error


def make_server(app: FastAPI, service: Service) -> uvicorn.Server:
    """A server for an application. Told to stop, it takes no more requests and finishes those that
    it has.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(service.limits.deadline_seconds + SPARE_SECONDS),
    )
    return uvicorn.Server(config)


def serve(app: FastAPI, service: Service, place: socket.socket) -> None:
    """Serves until SIGINT or SIGTERM, which is raised again once all requests are answered.
    SIGHUP loads all models anew.
    """
    log_as_json()
    server = make_server(app, service)
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.get_running_loop().create_task(service.reload())
        reloads.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(reloads.discard)

    async def run() -> None:
        with contextlib.suppress(NotImplementedError, AttributeError):  # as on Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        host, port = place.getsockname()[:2]
        event(logging.INFO, "listening", host=host, port=port, models=list(service.models))
        await server.serve(sockets=[place])

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(run())
