"""The server behind the page, on 127.0.0.1 only."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.tagging.access import Access, Guard
from wsvs_ros.tagging.exchange import FORMATS, Format
from wsvs_ros.tagging.iconic import IconicSorter
from wsvs_ros.tagging.iconic_routes import IconicRoutes
from wsvs_ros.tagging.keys import assign_keys
from wsvs_ros.tagging.picture_routes import PictureRoutes
from wsvs_ros.tagging.pictures import STRIP_FRAMES
from wsvs_ros.tagging.routing import failure, get
from wsvs_ros.tagging.session import TaggingSession
from wsvs_ros.tagging.suggestions import THRESHOLD
from wsvs_ros.tagging.tag_routes import TagRoutes

_PAGE = Path(__file__).with_name("page")
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class TaggingServer:
    """
    The page, its pictures and its changes over HTTP.

    :param keys: by class; see `assign_keys`.
    :param iconic: pictures to sort, if there are any.
    :param review: begin with the clips where suggestions and tags differ most.
    """

    def __init__(
        self,
        session: TaggingSession,
        label_set: LabelSet,
        access: Access,
        *,
        keys: Mapping[str, str] | None = None,
        iconic: IconicSorter | None = None,
        threshold: float = THRESHOLD,
        review: bool = False,
    ) -> None:
        self._session = session
        self._access = access
        self._iconic = iconic
        chosen = assign_keys(label_set.names) if keys is None else keys
        self._about: dict[str, Any] = {
            # pictures are kept by the browser; another run's are others
            "run": secrets.token_hex(4),
            "label_set": label_set.name,
            "classes": [
                {"name": label.name, "color": list(label.color), "key": chosen.get(label.name, "")}
                for label in label_set.classes
            ],
            "threshold": threshold,
            "review": review,
            "iconic": iconic is not None,
            "strip_frames": STRIP_FRAMES,
            "files": self.files,
            "exports": [
                {"format": name, "title": form.title, "note": form.note, "drives": _exported(session, form)}
                for name, form in FORMATS.items()
            ],
            "bags": [index for index, drive in enumerate(session.drives) if drive.time_base.stamps != "frames"],
            "import_types": ".csv,.xml,.json",
        }
        self._pictures = PictureRoutes(session.drives)
        self._tags = TagRoutes(session, self._about["run"])

    @property
    def app(self) -> Guard:
        """The ASGI application."""
        routes = [
            get("/", self._index),
            get("/iconic", self._page("iconic.html") if self._iconic else self._no_iconic),
            *(get(f"/page/{file.name}", self._page(file.name)) for file in sorted(_PAGE.iterdir())),
            get("/api/about", lambda request: JSONResponse(self._about)),
            *self._pictures.routes,
            *self._tags.routes,
            *(IconicRoutes(self._iconic).routes if self._iconic else ()),
        ]
        return Guard(Starlette(routes=routes, exception_handlers={WsvsError: failure}), self._access)

    @property
    def files(self) -> list[str]:
        """Where tags are saved."""
        return list(dict.fromkeys(str(drive.file.path) for drive in self._session.drives))

    def close(self) -> None:
        """Close the drives."""
        self._pictures.close()

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


def _exported(session: TaggingSession, form: Format) -> list[int] | None:
    """The drives that have a file of their own in this format; None if all are in one."""
    if not form.each:
        return None
    return [k for k, drive in enumerate(session.drives) if not form.frames or drive.time_base.stamps == "frames"]
