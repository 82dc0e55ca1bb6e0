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

from squeezebert.errors import shown
from squeezebert.serving.refusals import ClientGoneError, NotJsonError

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
            if (given := headers.get("content-type", "")) != "application/json":
                check_json(given)
                return await usual(request)
            if "x-timeout" in headers:
                return await usual(request)
            try:
                body = model.model_validate_json(await request.body())
            except ClientDisconnect:
                raise ClientGoneError("the client has closed the connection") from None
            except ValidationError:
                return await usual(request)
            return await endpoint(request, body=body)

        return short


def check_json(content_type: str) -> None:
    """Whether a body is JSON by what its header says. FastAPI would take others for a string, and
    say that it is no dictionary.

    Raises:
        NotJsonError: it is not.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    raise NotJsonError(
        f"the body's Content-Type is {shown(kind)}, expected 'application/json'"
        if kind
        else "the body has no Content-Type, expected 'application/json'",
        hint="send the header Content-Type: application/json (curl --json does)",
    )
