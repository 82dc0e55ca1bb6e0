"""What can be asked, path by path. Each model has paths of its own, so that the OpenAPI document
tells of each what it takes and gives.
"""

# Without postponed annotations: FastAPI reads those of functions inside of functions.

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Request
from fastapi.openapi.models import Example
from pydantic_core import to_json
from starlette.responses import Response

from squeezebert.serving import examples, schemas
from squeezebert.serving.edge import record_of
from squeezebert.serving.operations import OperationName, Prepared
from squeezebert.serving.refusals import ClientGoneError, DeadlineError
from squeezebert.serving.route import InferenceRoute
from squeezebert.serving.service import Service

LONGEST_TIMEOUT = 3600.0

Timeout = Annotated[
    float,
    Header(
        alias="X-Timeout",
        ge=0.001,
        le=LONGEST_TIMEOUT,
        description="Seconds that the answer may take, if less than the server's own limit.",
    ),
]


def _refusals(model: type[schemas.Failure | schemas.OpenAIFailure]) -> dict[int | str, Any]:
    reasons = {
        400: "A body that is not JSON.",
        401: "No bearer token, or a wrong one.",
        408: "A body that came too slowly.",
        413: "Too many bytes, texts or tokens.",
        415: "A body that does not say that it is JSON.",
        422: "A body of the wrong shape, or texts that the model cannot take.",
        429: "The queue is full; `Retry-After` says when to try again.",
        500: "A fault of the server or of the model.",
        504: "The time ran out.",
    }
    return {status: {"model": model, "description": why} for status, why in reasons.items()}


def add_paths(router: APIRouter, service: Service) -> None:
    """Adds all paths of a server."""
    router.route_class = InferenceRoute
    _add_server_paths(router, service)
    _add_embeddings(router, service)
    for name, loaded in service.models.items():
        _add_model(router, service, name)
        _ADD[loaded.info.task](router, service, name, f"/models/{name}")
        # Where hosted clients look for vectors, whatever else the model does.
        if loaded.info.task != "feature-extraction":
            _ADD["feature-extraction"](
                router, service, name, f"/models/{name}/pipeline/feature-extraction"
            )
        _ADD[loaded.info.task](router, service, name, f"/models/{name}/pipeline/{loaded.info.task}")


# -- about the server -----------------------------------------------------------------------------


def _add_server_paths(router: APIRouter, service: Service) -> None:
    about: list[str | Enum] = ["server"]

    @router.get("/health", response_model=schemas.State, tags=about)
    async def health() -> Response:
        """Whether the server runs. Needs no token."""
        return _json({"status": "ok"})

    @router.get(
        "/ready",
        response_model=schemas.State,
        responses={503: {"model": schemas.State, "description": "Not yet, or no longer."}},
        tags=about,
    )
    async def ready() -> Response:
        """Whether all models are in memory and warm. Needs no token."""
        return _json({"status": "ready"}) if service.ready else _json({"status": "not ready"}, 503)

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
        tags=about,
    )
    async def metrics() -> Response:
        """Counts and times for Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    @router.get("/models", response_model=list[schemas.ModelInfo], tags=about)
    async def models() -> Response:
        """All models."""
        return _json([loaded.info.model_dump() for loaded in service.models.values()])

    @router.get("/v1/models", response_model=schemas.ListedModels, tags=about)
    async def listed_models() -> Response:
        """The same, as OpenAI's client reads them."""
        listed = [
            schemas.ListedModel(id=name, created=loaded.since)
            for name, loaded in service.models.items()
        ]
        return _json(schemas.ListedModels(data=listed).model_dump())


# -- the models -----------------------------------------------------------------------------------


def _add_model(router: APIRouter, service: Service, name: str) -> None:
    @router.get(f"/models/{name}/info", response_model=schemas.ModelInfo, tags=[name])
    async def info() -> Response:
        """What the model is."""
        return _json(service.model(name).info.model_dump())

    @router.get(f"/models/{name}/health", response_model=schemas.State, tags=[name])
    async def health() -> Response:
        """Whether the model is there: as `InferenceClient.health_check` asks."""
        return _json({"status": "ok"})


def _add_fill_mask(router: APIRouter, service: Service, name: str, path: str) -> None:
    @router.post(
        path,
        response_model=schemas.FillMaskAnswer,
        responses=_refusals(schemas.Failure),
        tags=[name],
    )
    async def fill_mask(
        request: Request,
        body: Annotated[schemas.FillMaskRequest, _examples(examples.FILL_MASK)],
        timeout: Timeout = LONGEST_TIMEOUT,
    ) -> Response:
        """Candidates for each `[MASK]` in a text."""
        return await _infer(service, name, "fill-mask", request, body, timeout)


def _add_text_classification(router: APIRouter, service: Service, name: str, path: str) -> None:
    @router.post(
        path,
        response_model=schemas.TextClassificationAnswer,
        responses=_refusals(schemas.Failure),
        tags=[name],
    )
    async def text_classification(
        request: Request,
        body: Annotated[schemas.TextClassificationRequest, _examples(examples.TEXT_CLASSIFICATION)],
        timeout: Timeout = LONGEST_TIMEOUT,
    ) -> Response:
        """The classes of a text with their probabilities, best first."""
        return await _infer(service, name, "text-classification", request, body, timeout)


def _add_token_classification(router: APIRouter, service: Service, name: str, path: str) -> None:
    @router.post(
        path,
        response_model=schemas.TokenClassificationAnswer,
        responses=_refusals(schemas.Failure),
        tags=[name],
    )
    async def token_classification(
        request: Request,
        body: Annotated[
            schemas.TokenClassificationRequest, _examples(examples.TOKEN_CLASSIFICATION)
        ],
        timeout: Timeout = LONGEST_TIMEOUT,
    ) -> Response:
        """The entities of a text."""
        return await _infer(service, name, "token-classification", request, body, timeout)


def _add_feature_extraction(router: APIRouter, service: Service, name: str, path: str) -> None:
    @router.post(
        path,
        response_model=schemas.FeatureExtractionAnswer,
        responses=_refusals(schemas.Failure),
        tags=[name],
    )
    async def feature_extraction(
        request: Request,
        body: Annotated[schemas.FeatureExtractionRequest, _examples(examples.FEATURE_EXTRACTION)],
        timeout: Timeout = LONGEST_TIMEOUT,
    ) -> Response:
        """The vector of a text: the mean of the model's last hidden states."""
        return await _infer(service, name, "feature-extraction", request, body, timeout)


_ADD: Mapping[str, Callable[[APIRouter, Service, str, str], None]] = {
    "fill-mask": _add_fill_mask,
    "text-classification": _add_text_classification,
    "token-classification": _add_token_classification,
    "feature-extraction": _add_feature_extraction,
}


def _add_embeddings(router: APIRouter, service: Service) -> None:
    names = list(service.models)

    @router.post(
        "/v1/embeddings",
        response_model=schemas.EmbeddingsAnswer,
        responses={
            **_refusals(schemas.OpenAIFailure),
            404: {"model": schemas.OpenAIFailure, "description": "No such model."},
        },
        tags=["OpenAI"],
    )
    async def embeddings(
        request: Request,
        body: Annotated[schemas.EmbeddingsRequest, _examples(examples.embeddings(names[0]))],
        timeout: Timeout = LONGEST_TIMEOUT,
    ) -> Response:
        """The vectors of texts, of length 1, as OpenAI's client asks for them."""
        features = service.model(body.model).features
        question = schemas.FeatureExtractionRequest(inputs=body.input, dimensions=body.dimensions)

        def render(prepared: Prepared[Any], results: Sequence[Any]) -> bytes:
            rows: list[Any] = list(features.vectors(question, results))
            if body.encoding_format == "base64":
                rows = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in rows]
            else:
                rows = [row.tolist() for row in rows]
            answer = {
                "object": "list",
                "data": [
                    {"object": "embedding", "index": at, "embedding": row}
                    for at, row in enumerate(rows)
                ],
                "model": body.model,
                "usage": {"prompt_tokens": prepared.tokens, "total_tokens": prepared.tokens},
            }
            return to_json(answer)

        return await _answer(
            service, body.model, "feature-extraction", request, question, render, timeout
        )


# -- an answer ------------------------------------------------------------------------------------


async def _infer(
    service: Service,
    name: str,
    operation: OperationName,
    request: Request,
    body: Any,
    timeout: float,
) -> Response:
    asked = service.model(name).asked[operation].operation

    def render(prepared: Prepared[Any], results: Sequence[Any]) -> bytes:
        return to_json(asked.render(body, prepared, results))

    return await _answer(service, name, operation, request, body, render, timeout)


async def _answer(
    service: Service,
    name: str,
    operation: OperationName,
    request: Request,
    body: Any,
    render: Callable[[Prepared[Any], Sequence[Any]], bytes],
    timeout: float,
) -> Response:
    """Asks the model, for as long as there is time and the client is there."""
    record = record_of(request.scope)
    record.model, record.operation = name, operation
    texts: list[Any] = body.inputs if isinstance(body.inputs, list) else [body.inputs]
    seconds = min(timeout, service.limits.deadline_seconds)
    async with _within(seconds, request):
        content, prepared = await service.ask(
            service.model(name).asked[operation], body, texts, render, seconds=seconds
        )
    record.texts, record.tokens = len(texts), prepared.tokens
    service.metrics.count_texts(name, operation, len(texts))
    headers = (
        {"X-Truncated-Tokens": str(prepared.truncated_tokens)}
        if prepared.truncated_tokens
        else None
    )
    return Response(content, headers=headers, media_type="application/json")


@asynccontextmanager
async def _within(seconds: float, request: Request) -> AsyncGenerator[None]:
    """Ends what is inside when the time is up, or when the client closes the connection."""
    gone = asyncio.create_task(_disconnected(request))
    over = False

    def leave(task: asyncio.Task[None]) -> None:
        if not (over or task.cancelled() or time.expired()):
            time.reschedule(0)

    try:
        async with asyncio.timeout(seconds) as time:
            # The body has been read, so all that can still come is that the client has gone.
            gone.add_done_callback(leave)
            try:
                yield
            finally:
                over = True  # the client may go before the watch is called off
    except TimeoutError:
        if gone.done():
            raise ClientGoneError("the client has closed the connection") from None
        raise DeadlineError(f"there was no answer within {seconds:g} s") from None
    finally:
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _examples(bodies: Mapping[str, Any]) -> Any:
    return Body(openapi_examples={name: Example(value=value) for name, value in bodies.items()})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
