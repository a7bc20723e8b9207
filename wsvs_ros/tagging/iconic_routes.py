"""Iconic images over HTTP."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.iconic import IconicSorter
from wsvs_ros.tagging.routing import get, jpeg, post, value


class IconicRoutes:
    """Pictures to sort, and where they go."""

    def __init__(self, sorter: IconicSorter) -> None:
        self._sorter = sorter

    @property
    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            get("/api/iconic", self._state),
            get("/iconic/{index:int}.jpg", self._image),
            post("/api/iconic", self._sort),
        ]

    def _state(self, request: Request) -> Response:
        return JSONResponse(self._sorter.state())

    def _image(self, request: Request) -> Response:
        return jpeg(self._sorter.image(request.path_params["index"]))

    def _sort(self, body: dict[str, Any]) -> Any:
        name = body.get("class")
        if name is not None and not isinstance(name, str):
            raise EditError("class: a name or null is needed")
        return {"revision": self._sorter.sort(value(body, "revision", int), value(body, "index", int), name)}
