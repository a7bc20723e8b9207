"""The server behind the page, on 127.0.0.1 only."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from wsvs_ros.drives import DriveError
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.tagging.access import Access, Guard
from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.errors import ConflictError, EditError, SaveError
from wsvs_ros.tagging.iconic import IconicSorter
from wsvs_ros.tagging.keys import assign_keys
from wsvs_ros.tagging.pictures import STRIP_FRAMES, PictureCache, frame_jpeg, strip_jpeg
from wsvs_ros.tagging.seeking import FrameSource
from wsvs_ros.tagging.session import TaggingSession
from wsvs_ros.tagging.suggestions import THRESHOLD
from wsvs_ros.tagging.summary import summarise
from wsvs_ros.tagging.tables import from_csv, to_csv

_PAGE = Path(__file__).with_name("page")
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_LARGEST_BODY = 20_000_000  # bytes
_STATUS = {EditError: 400, ConflictError: 409, SaveError: 507, DriveError: 404}
_WIDEST = 1920


class TaggingServer:
    """
    The page, its pictures and its changes over HTTP.

    :param iconic: pictures to sort, if there are any.
    :param review: begin with the clips where suggestions and tags differ most.
    """

    def __init__(
        self,
        session: TaggingSession,
        label_set: LabelSet,
        access: Access,
        *,
        iconic: IconicSorter | None = None,
        threshold: float = THRESHOLD,
        review: bool = False,
    ) -> None:
        self._session = session
        self._access = access
        self._iconic = iconic
        self._about = {
            # pictures are kept by the browser; another run's are others
            "run": secrets.token_hex(4),
            "label_set": label_set.name,
            "classes": [
                {"name": label.name, "color": list(label.color), "key": key}
                for label in label_set.classes
                for key in (assign_keys(label_set.names).get(label.name, ""),)
            ],
            "threshold": threshold,
            "review": review,
            "iconic": iconic is not None,
            "strip_frames": STRIP_FRAMES,
            "files": self.files,
        }
        # stills come at once, strips may take their time: each has a decoder of its own
        self._stills = [_Lazy(drive.open_source) for drive in session.drives]
        self._strips = [_Lazy(drive.open_source) for drive in session.drives]
        self._pictures = PictureCache()

    @property
    def app(self) -> Guard:
        """The ASGI application."""
        get = partial(Route, methods=["GET"])
        post = partial(Route, methods=["POST"])
        routes = [
            get("/", self._index),
            get("/iconic", self._page("iconic.html") if self._iconic else self._no_iconic),
            *(get(f"/page/{file.name}", self._page(file.name)) for file in sorted(_PAGE.iterdir())),
            get("/frame/{drive:int}/{at:int}.jpg", self._frame),
            get("/strip/{drive:int}/{start:int}-{end:int}.jpg", self._strip),
            get("/api/about", lambda request: JSONResponse(self._about)),
            get("/api/changes", self._changes),
            get("/api/review", lambda request: JSONResponse(self._session.review_order())),
            get("/api/summary", lambda request: JSONResponse(summarise(self._session))),
            get("/api/tags.csv", self._export),
            post("/api/edit", self._said(self._edit)),
            post("/api/import", self._said(self._import)),
        ]
        if self._iconic:
            routes += [
                get("/api/iconic", self._iconic_state),
                get("/iconic/{index:int}.jpg", self._iconic_image),
                post("/api/iconic", self._said(self._iconic_sort)),
            ]
        return Guard(Starlette(routes=routes, exception_handlers={WsvsError: _failure}), self._access)

    @property
    def files(self) -> list[str]:
        """Where tags are saved."""
        return list(dict.fromkeys(str(drive.file.path) for drive in self._session.drives))

    def close(self) -> None:
        """Close the drives."""
        for source in (*self._stills, *self._strips):
            source.close()

    # pages

    def _index(self, request: Request) -> Response:
        token = request.query_params.get("token")
        if token is None:
            return self._page("index.html")(request)
        known = self._access.knows(request.headers)
        if not self._access.redeem(token) and not known:
            return PlainTextResponse("this address was used already; open the one that `wsvs tag` printed last\n", 403)
        response = RedirectResponse("/" if self._session.drives else "/iconic", 303)
        response.set_cookie(self._access.cookie, self._access.secret, httponly=True, samesite="strict")
        return response

    def _page(self, name: str) -> Callable[[Request], Response]:
        path = _PAGE / name

        def serve(request: Request) -> Response:
            return Response(path.read_bytes(), media_type=_TYPES[path.suffix])

        return serve

    def _no_iconic(self, request: Request) -> Response:
        return PlainTextResponse("no pictures to sort; start `wsvs tag` with --iconic FOLDER\n", 404)

    # pictures

    def _frame(self, request: Request) -> Response:
        drive, at = self._drive(request), request.path_params["at"] / 1000
        try:
            width = min(max(int(request.query_params.get("w", "960")), 16), _WIDEST)
        except ValueError:
            raise EditError("w: a number of pixels is needed") from None
        key = ("frame", drive, at, width)
        return _jpeg(self._pictures.get(key, lambda: frame_jpeg(self._stills[drive].get(), at, width)))

    def _strip(self, request: Request) -> Response:
        drive = self._drive(request)
        start, end = request.path_params["start"] / 1000, request.path_params["end"] / 1000
        if not start < end:
            raise EditError(f"a strip from {start:g} to {end:g} s shows nothing")
        key = ("strip", drive, start, end)
        return _jpeg(self._pictures.get(key, lambda: strip_jpeg(self._strips[drive].get(), start, end)))

    def _drive(self, request: Request) -> int:
        drive = request.path_params["drive"]
        if not drive < len(self._session.drives):
            raise DriveError(f"no drive {drive}")
        return int(drive)

    # tags

    def _changes(self, request: Request) -> Response:
        try:
            since = int(request.query_params.get("since", "-1"))
            focus = int(request.query_params.get("drive", "0")), float(request.query_params.get("at", "0"))
        except ValueError:
            raise EditError("since, drive and at have to be numbers") from None
        if 0 <= focus[0] < len(self._session.drives):
            self._session.focus = focus
        return JSONResponse({"run": self._about["run"], **self._session.changes(since)})

    def _edit(self, body: dict[str, Any]) -> Any:
        action, revision = _value(body, "action", str), _value(body, "revision", int)
        if action in ("undo", "redo"):
            return getattr(self._session, action)(revision)
        place = revision, _value(body, "drive", int), _value(body, "clip", int)
        if action == "tag":
            tags = _value(body, "tags", list)
            if not all(isinstance(tag, str) for tag in tags):
                raise EditError("tags: names of classes are needed")
            return self._session.tag(*place, tags, _value(body, "state", str))
        if action == "split":
            return self._session.split(*place, _value(body, "at", float))
        if action == "merge":
            return self._session.merge(*place)
        raise EditError(f"no action {action!r}")

    def _import(self, body: dict[str, Any]) -> Any:
        clips: dict[int, list[TagClip]] = from_csv(self._session, _value(body, "csv", str))
        return {
            **self._session.replace_all(_value(body, "revision", int), clips),
            "clips": sum(map(len, clips.values())),
        }

    def _export(self, request: Request) -> Response:
        headers = {"content-disposition": 'attachment; filename="tags.csv"'}
        return Response(to_csv(self._session), media_type="text/csv", headers=headers)

    # iconic images

    def _iconic_state(self, request: Request) -> Response:
        assert self._iconic is not None
        return JSONResponse(self._iconic.state())

    def _iconic_image(self, request: Request) -> Response:
        assert self._iconic is not None
        return _jpeg(self._iconic.image(request.path_params["index"]))

    def _iconic_sort(self, body: dict[str, Any]) -> Any:
        assert self._iconic is not None
        name = body.get("class")
        if name is not None and not isinstance(name, str):
            raise EditError("class: a name or null is needed")
        return {"revision": self._iconic.sort(_value(body, "revision", int), _value(body, "index", int), name)}

    def _said(self, act: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that takes a JSON object."""

        async def endpoint(request: Request) -> Response:
            return JSONResponse(await run_in_threadpool(act, await _body(request)))

        return endpoint


class _Lazy:
    """A source of frames that is opened when it is first used."""

    def __init__(self, opener: Callable[[], FrameSource]) -> None:
        self._opener = opener
        self._source: FrameSource | None = None

    def get(self) -> FrameSource:
        if self._source is None:
            self._source = self._opener()
        return self._source

    def close(self) -> None:
        if self._source is not None:
            self._source.close()


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


def _value(body: dict[str, Any], key: str, kind: type) -> Any:
    value = body.get(key)
    kinds = (int, float) if kind is float else kind
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise EditError(f"{key}: a value of type {kind.__name__} is needed")
    return value


def _jpeg(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})


def _failure(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"error": str(error)}, status)
