"""Tags over HTTP: what there is, and changes to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wsvs_ros.tagging.edits import Tagging
from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.exchange import FORMATS, read_tags
from wsvs_ros.tagging.into_bag import write_into_bag
from wsvs_ros.tagging.routing import get, post, value
from wsvs_ros.tagging.session import TaggingSession
from wsvs_ros.tagging.summary import review_order, summarise


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
            get("/api/review", lambda request: JSONResponse(review_order(self._session))),
            get("/api/summary", lambda request: JSONResponse(summarise(self._session))),
            get("/api/export/{format}", self._export),
            post("/api/edit", self._edit),
            post("/api/import", self._import),
            post("/api/into-bag", self._into_bag),
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
        if action == "tag":
            return self._session.tag(revision, [_tagging(entry) for entry in value(body, "clips", list)])
        drive, clip = value(body, "drive", int), value(body, "clip", int)
        if action == "split":
            return self._session.split(revision, drive, clip, value(body, "at", float))
        if action == "merge":
            last = None if body.get("last") is None else value(body, "last", int)
            return self._session.merge(revision, drive, clip, last)
        raise EditError(f"no action {action!r}")

    def _import(self, body: dict[str, Any]) -> Any:
        drive = self._drive(value(body, "drive", int))
        found = read_tags(self._session, value(body, "text", str), drive)
        answer = self._session.replace_all(value(body, "revision", int), found.clips)
        return {**answer, "clips": sum(map(len, found.clips.values())), "unknown": sorted(found.unknown)}

    def _into_bag(self, body: dict[str, Any]) -> Any:
        return {"file": str(write_into_bag(self._session, self._drive(value(body, "drive", int))))}

    def _drive(self, index: int) -> int:
        if not 0 <= index < len(self._session.drives):
            raise EditError(f"no drive {index}")
        return index

    def _export(self, request: Request) -> Response:
        form = FORMATS.get(request.path_params["format"])
        try:
            drive = int(request.query_params.get("drive", "0"))
        except ValueError:
            raise EditError("drive: a number is needed") from None
        if form is None or not 0 <= drive < len(self._session.drives):
            raise EditError(f"no such export; there are: {', '.join(FORMATS)}")
        name = f"{self._session.drives[drive].path.name}.{form.file}" if form.each else form.file
        told = f"attachment; filename*=UTF-8''{quote(name)}"
        return Response(
            form.write(self._session, drive), media_type=form.media_type, headers={"content-disposition": told}
        )


def _tagging(entry: Any) -> Tagging:
    if not isinstance(entry, dict):
        raise EditError("clips: objects are needed")
    tags = value(entry, "tags", list)
    if not all(isinstance(tag, str) for tag in tags):
        raise EditError("tags: names of classes are needed")
    return Tagging(value(entry, "drive", int), value(entry, "clip", int), tuple(tags), value(entry, "state", str))
