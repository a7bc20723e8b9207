"""What the routes of the server share: JSON bodies that are checked, pictures, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wsvs_ros.drives import DriveError
from wsvs_ros.tagging.errors import ConflictError, EditError, SaveError, TaggingError

_LARGEST_BODY = 20_000_000  # bytes
_STATUS = {EditError: 400, ConflictError: 409, SaveError: 507, DriveError: 404, TaggingError: 400}

get = partial(Route, methods=["GET"])


def post(path: str, act: Callable[[dict[str, Any]], Any]) -> Route:
    """A route that takes a JSON object and answers with what `act` makes of it."""

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(act, await _body(request)))

    return Route(path, endpoint, methods=["POST"])


def value(body: dict[str, Any], key: str, kind: type) -> Any:
    """
    A value of a JSON object.

    :raises EditError: if it is missing or of another type.
    """
    found = body.get(key)
    kinds = (int, float) if kind is float else kind
    if not isinstance(found, kinds) or isinstance(found, bool):
        raise EditError(f"{key}: a value of type {kind.__name__} is needed")
    return found


def jpeg(data: bytes) -> Response:
    """A picture that the browser may keep."""
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})


def failure(request: Request, error: Exception) -> Response:
    """The answer to what is wrong: a status and one sentence."""
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"error": str(error)}, status)


async def _body(request: Request) -> dict[str, Any]:
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > _LARGEST_BODY:
                raise EditError(f"more than {_LARGEST_BODY} bytes")
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise EditError("not JSON") from None
    except ClientDisconnect:
        raise EditError("the browser went away") from None
    if not isinstance(body, dict):
        raise EditError("a JSON object is needed")
    return body
