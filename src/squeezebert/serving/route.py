"""The short way of a body to its handler.

FastAPI reads JSON into Python's objects, solves dependencies, and then has pydantic look at the
objects. Here pydantic reads the bytes itself, and a body in order goes to the handler at once. All
else takes FastAPI's way, so that errors are told as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, get_args

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from squeezebert.serving.refusals import ClientGoneError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class InferenceRoute(APIRoute):
    """A path whose handler, where it takes a ``body``, is called with ``request`` and ``body``
    alone if the request sets nothing else.
    """

    def get_route_handler(self) -> Handler:
        """See :class:`fastapi.routing.APIRoute`."""
        usual = super().get_route_handler()
        annotation = self.endpoint.__annotations__.get("body")
        if annotation is None:
            return usual
        model: type[BaseModel] = get_args(annotation)[0]
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def short(request: Request) -> Response:
            headers = request.headers
            if "x-timeout" in headers or headers.get("content-type") != "application/json":
                return await usual(request)
            try:
                body = model.model_validate_json(await request.body())
            except ClientDisconnect:
                raise ClientGoneError("the client has closed the connection") from None
            except ValidationError:
                return await usual(request)
            return await endpoint(request, body=body)

        return short
