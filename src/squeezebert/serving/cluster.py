"""The service as a deployment of Ray Serve: ``serve run squeezebert.serving.cluster:build``.

Replicas hold the models, each with the queues and the application of a server of its own. In front
of them a door takes requests from Ray's HTTP proxy. Ray Serve does not send a request again whose
replica has died: it fails. The door does; a question changes nothing, so it can be asked twice.
"""

# Without postponed annotations: Ray reads that of ``build`` to know what to make of its arguments.

import asyncio
import importlib
import os
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from squeezebert.engine.precision import AUTO, Precision
from squeezebert.errors import MissingDependencyError
from squeezebert.serving.app import create_app
from squeezebert.serving.failures import KINDS, failure
from squeezebert.serving.in_process import Question, Reply, ask
from squeezebert.serving.limits import Limits
from squeezebert.serving.service import ModelSource, Service

TOKEN_VARIABLE = "SQUEEZEBERT_SERVE_TOKEN"  # noqa: S105 - where it is, not what it is

ATTEMPTS = 5
"""Replicas that may die under one request before it is given up."""

PAUSE_SECONDS = 0.1
"""After a replica has died: until the others are known to be all there are."""

ONGOING = 64
"""The most requests of a replica; more would wait there where a new replica could take them."""

DOOR_CPUS = 0.1


class Arguments(BaseModel):
    """What ``serve run`` takes as ``name=value``."""

    model_config = ConfigDict(extra="forbid")

    models: str = Field(description="[NAME=]MODEL as for squeezebert serve, with spaces between.")
    precision: Precision = AUTO
    threads: int = Field(default=1, ge=1, description="Of a replica's engine.")
    cpus: float = Field(
        default=0.5,
        gt=0,
        description="What Ray counts for a replica. Where replicas take all, nothing else starts.",
    )
    min_replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(default=4, ge=1)
    waiting: float = Field(
        default=16, gt=0, description="Requests for a replica, above which there will be another."
    )


class Models:
    """A replica: models behind the application that ``squeezebert serve`` has.

    Args:
        arguments: What to serve.
        token: As for :func:`~squeezebert.serving.app.create_app`.
    """

    def __init__(self, arguments: Arguments, token: str | None) -> None:
        self._service = Service(
            [ModelSource.parse(model) for model in arguments.models.split()],
            precision=arguments.precision,
            threads=arguments.threads,
        )
        self._app = create_app(self._service, token=token, log_requests=False)
        self._starting = asyncio.Lock()

    async def check_health(self) -> None:
        """Ray asks before it sends the first request, and again and again. Warms the models up."""
        async with self._starting:
            if not self._service.ready:
                await self._service.start()

    async def answer(self, question: Question) -> Reply:
        """The answer to a request."""
        await self.check_health()
        return await ask(self._app, question)


class Door:
    """Takes requests and has replicas answer them; one whose replica dies goes to another.

    Args:
        models: The handle of the replicas.
        lost: What is raised when a replica has died.
        full: What is raised when as many wait as may.
        limits: The replicas'.
    """

    def __init__(
        self,
        models: Any,
        *,
        lost: tuple[type[Exception], ...],
        full: tuple[type[Exception], ...],
        limits: Limits | None = None,
    ) -> None:
        self._models = models
        self._lost = lost
        self._full = full
        self._limits = limits or Limits()

    async def __call__(self, request: Request) -> Response:
        """The answer to a request."""
        body = await _body(request, self._limits.body_bytes)
        path = request.url.path
        if body is None:
            most = self._limits.body_bytes
            return failure(
                path, 413, KINDS[413], f"the body is too large: it may have {most} bytes"
            )
        scope = request.scope
        question = Question(
            request.method, path, scope["query_string"], list(scope["headers"]), body
        )
        try:
            async with asyncio.timeout(self._limits.deadline_seconds):
                reply = await self._ask(question)
        except TimeoutError:
            return failure(path, 504, "deadline_exceeded", "no replica answered in time")
        except self._full:
            return failure(
                path, 429, KINDS[429], "as many wait as may", headers={"Retry-After": "1"}
            )
        except self._lost:
            return failure(path, 503, KINDS[503], f"{ATTEMPTS} replicas died under this request")
        response = Response(reply.body, reply.status)
        response.raw_headers = reply.headers
        return response

    async def _ask(self, question: Question) -> Reply:
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._ask_once(question)
            except self._lost:
                await asyncio.sleep(PAUSE_SECONDS)
        return await self._ask_once(question)

    async def _ask_once(self, question: Question) -> Reply:
        answer = self._models.answer.remote(question)
        try:
            return await answer
        except asyncio.CancelledError:
            answer.cancel()
            raise


async def _body(request: Request, most: int) -> bytes | None:
    """The body; None where it is too large, which is known before all of it has come."""
    parts: list[bytes] = []
    room = most
    async for part in request.stream():
        room -= len(part)
        if room < 0:
            return None
        parts.append(part)
    return b"".join(parts)


def build(arguments: Arguments) -> Any:
    """The application for ``serve run``; the bearer token is taken from the environment.

    Raises:
        MissingDependencyError: Ray Serve is not installed.
    """
    try:
        serve = importlib.import_module("ray.serve")
        lost = importlib.import_module("ray.exceptions").RayActorError
        full = importlib.import_module("ray.serve.exceptions").BackPressureError
    except ModuleNotFoundError as error:
        raise MissingDependencyError.for_extra("ray[serve]", "ray-serve", "a deployment") from error
    limits = Limits()
    models = serve.deployment(
        Models,
        ray_actor_options={"num_cpus": arguments.cpus},
        max_ongoing_requests=ONGOING,
        max_queued_requests=limits.requests,
        autoscaling_config={
            "min_replicas": arguments.min_replicas,
            "max_replicas": max(arguments.min_replicas, arguments.max_replicas),
            "target_ongoing_requests": arguments.waiting,
        },
    )
    door = serve.deployment(
        Door,
        ray_actor_options={"num_cpus": DOOR_CPUS},
        max_ongoing_requests=limits.requests,
    )
    token = os.environ.get(TOKEN_VARIABLE)
    return door.bind(models.bind(arguments, token), lost=(lost,), full=(full,), limits=limits)
