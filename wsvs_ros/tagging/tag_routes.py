"""Tags over HTTP: what there is, and changes to it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.routing import get, post, value
from wsvs_ros.tagging.session import TaggingSession
from wsvs_ros.tagging.summary import summarise
from wsvs_ros.tagging.tables import from_csv, to_csv


class TagRoutes:
    """
    The session's state and its changes.

    :param run: tells this run of the server from others.
    """

    def __init__(self, session: TaggingSession, run: str) -> None:
        self._session = session
        self._run = run

    @property
    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            get("/api/changes", self._changes),
            get("/api/review", lambda request: JSONResponse(self._session.review_order())),
            get("/api/summary", lambda request: JSONResponse(summarise(self._session))),
            get("/api/tags.csv", self._export),
            post("/api/edit", self._edit),
            post("/api/import", self._import),
        ]

    def _changes(self, request: Request) -> Response:
        try:
            since = int(request.query_params.get("since", "-1"))
            focus = int(request.query_params.get("drive", "0")), float(request.query_params.get("at", "0"))
        except ValueError:
            raise EditError("since, drive and at have to be numbers") from None
        if 0 <= focus[0] < len(self._session.drives):
            self._session.focus = focus
        return JSONResponse({"run": self._run, **self._session.changes(since)})

    def _edit(self, body: dict[str, Any]) -> Any:
        action, revision = value(body, "action", str), value(body, "revision", int)
        if action in ("undo", "redo"):
            return getattr(self._session, action)(revision)
        place = revision, value(body, "drive", int), value(body, "clip", int)
        if action == "tag":
            tags = value(body, "tags", list)
            if not all(isinstance(tag, str) for tag in tags):
                raise EditError("tags: names of classes are needed")
            return self._session.tag(*place, tags, value(body, "state", str))
        if action == "split":
            return self._session.split(*place, value(body, "at", float))
        if action == "merge":
            return self._session.merge(*place)
        raise EditError(f"no action {action!r}")

    def _import(self, body: dict[str, Any]) -> Any:
        clips: dict[int, list[TagClip]] = from_csv(self._session, value(body, "csv", str))
        return {
            **self._session.replace_all(value(body, "revision", int), clips),
            "clips": sum(map(len, clips.values())),
        }

    def _export(self, request: Request) -> Response:
        headers = {"content-disposition": 'attachment; filename="tags.csv"'}
        return Response(to_csv(self._session), media_type="text/csv", headers=headers)
