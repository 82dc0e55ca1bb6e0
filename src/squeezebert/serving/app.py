"""The web application around a service."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from squeezebert import __version__
from squeezebert.errors import SqueezeBertError
from squeezebert.serving.edge import Edge
from squeezebert.serving.failures import framework_error, invalid, refused
from squeezebert.serving.logs import event
from squeezebert.serving.routes import add_paths
from squeezebert.serving.service import Service

DESCRIPTION = """Models that classify texts, find names, fill gaps and make vectors.

`POST /models/NAME` follows Hugging Face's inference API: `huggingface_hub.InferenceClient` works
with it. `POST /v1/embeddings` follows OpenAI's.
"""


def create_app(service: Service, *, token: str | None = None, log_requests: bool = True) -> FastAPI:
    """An ASGI application that answers by ``service``, and closes it when it ends.

    Args:
        service: The models.
        token: The bearer token that every request but ``/health`` and ``/ready`` must carry.
        log_requests: Whether each request gets a line in the log.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        del app
        await service.start()
        try:
            yield
        finally:
            service.close()
            event(logging.INFO, "stopped")

    # For the OpenAPI document alone: the edge has checked the token before the body is read.
    bearer = [] if token is None else [Depends(HTTPBearer(auto_error=False))]
    app = FastAPI(
        title="SqueezeBERT",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        # Swagger's page loads its code from elsewhere, which a server on its own cannot.
        docs_url=None,
        redoc_url=None,
        dependencies=bearer,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_paths(app.router, service)

    def no_such_path(request: Request, error: Exception) -> Response:
        path = request.url.path
        rest = path.removeprefix("/models/")
        if rest == path:
            return framework_error(request, error)
        return refused(request, service.missing(rest))

    app.add_exception_handler(SqueezeBertError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(404, no_such_path)
    app.add_exception_handler(HTTPException, framework_error)
    app.add_middleware(Edge, service=service, token=token, log_requests=log_requests)
    return app
