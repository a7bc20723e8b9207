"""Pages from templates, and the folder that they are written to."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from wsvs_ros import __version__
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import PARTIAL, replace_file, writing

PAGE, FIGURES = "index.html", "report.json"
_TEMPLATES = Path(__file__).with_name("templates")


class ReportError(WsvsError):
    """A report cannot be written."""


def check_folder(folder: Path, *, besides: Collection[str] = ()) -> None:
    """
    Refuse a folder that holds anything but an earlier report.

    :param besides: names of what else belongs to it.
    :raises ReportError: naming what is there.
    """
    if folder.is_dir():
        foreign = sorted(
            entry.name
            for entry in folder.iterdir()
            if entry.name not in (PAGE, FIGURES, *besides) and not entry.name.endswith(PARTIAL)
        )
        if foreign:
            raise ReportError(f"{folder}: holds {foreign[0]}, which is no report; give a folder of its own")
    elif folder.exists():
        raise ReportError(f"{folder}: is no folder")


def write_page(
    folder: Path, template: str, content: dict[str, Any], figures: dict[str, Any], *, besides: Collection[str] = ()
) -> Path:
    """
    Write page and figures, each aside and then put in place.

    :param template: its name in `templates/`.
    :param content: what it is filled with; texts are escaped.
    :param figures: for report.json.
    :param besides: names of what else belongs to the folder.
    :return: the page's file.
    :raises ReportError: if the folder holds something else, or cannot be written.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(template).render(version=__version__, **content).lstrip()
    check_folder(folder, besides=besides)
    with writing(folder, ReportError):
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / FIGURES, json.dumps(figures, indent=1) + "\n")
        replace_file(folder / PAGE, page)
    return folder / PAGE
