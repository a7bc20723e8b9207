"""Tags for and from other programs."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drive_files import make_bag, make_video

from wsvs_ros.perception import LabelSet
from wsvs_ros.tagging import EditError, TaggingSession
from wsvs_ros.tagging.edits import Tagging
from wsvs_ros.tagging.exchange import FORMATS, read_tags
from wsvs_ros.tagging.workspace import DriveOptions, open_session

CAMVID = LabelSet.load("camvid11")


@pytest.fixture
def session(tmp_path: Path) -> TaggingSession:
    """A video of three seconds at 20 Hz in clips of one: road and sky; the same; car, which is unsure."""
    opened = open_session([make_video(tmp_path / "a.mp4", 60)], CAMVID, options=DriveOptions(1.0))
    opened.cut(0, [(0.0, 3.0)], 3.0)
    ids = [clip.id for clip in opened.drives[0].clips]
    said = [(("road", "sky"), "done"), (("road", "sky"), "done"), (("car",), "unsure")]
    opened.tag(opened.revision, [Tagging(0, id, tags, state) for id, (tags, state) in zip(ids, said, strict=True)])
    return opened


def done(session: TaggingSession) -> list[tuple[float, float, set[str]]]:
    return [(clip.start, clip.end, set(clip.tags)) for clip in session.drives[0].clips if clip.state == "done"]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_goes_out_comes_back(session: TaggingSession, name: str) -> None:
    before = done(session)
    text = FORMATS[name].write(session, 0)
    session.undo(session.revision)
    assert done(session) == []
    found = read_tags(session, text, 0)
    assert found.unknown == set()
    session.replace_all(session.revision, found.clips)
    assert done(session) == before


def test_cvat_gets_the_tags_of_each_frame(session: TaggingSession) -> None:
    root = ElementTree.fromstring(FORMATS["cvat"].write(session, 0).encode())
    images = root.findall("image")
    assert [int(image.get("id", "")) for image in images] == list(range(40)), "done clips only, frame by frame"
    assert (images[0].get("name"), images[0].get("width"), images[0].get("height")) == ("frame_000000", "96", "72")
    assert [tag.get("label") for tag in images[0].findall("tag")] == ["sky", "road"]
    assert [image.find("tag").get("group_id") for image in (images[19], images[20])] == ["1", "2"]  # type: ignore[union-attr]
    assert root.findtext("meta/task/size") == "60"


def test_cvat_tasks_with_every_fifth_frame_and_other_labels(session: TaggingSession) -> None:
    images = "".join(
        f'<image id="{frame}" name="x"><tag label="{label}"/></image>'
        for frame, label in ((0, "road"), (5, "road"), (10, "sunny"), (15, "car"), (25, "car"))
    )
    text = f"<annotations><meta><task><frame_filter>step=5</frame_filter></task></meta>{images}</annotations>"
    found = read_tags(session, text, 0)
    assert [(clip.start, clip.end, set(clip.tags)) for clip in found.clips[0]] == [
        (0, 0.5, {"road"}),
        (0.75, 1.0, {"car"}),
        (1.25, 1.5, {"car"}),
    ]
    assert found.unknown == {"sunny"}


def test_fiftyone_detections_that_overlap_and_frames_that_count_from_one(session: TaggingSession) -> None:
    content = {
        "labels": {
            "a": [
                {"label": "road", "timestamps": [0, 2]},
                {"label": "car", "support": [21, 30]},
                {"label": "person walking", "timestamps": [0, 3]},
            ]
        }
    }
    found = read_tags(session, json.dumps(content), 0)
    assert [(clip.start, clip.end, set(clip.tags)) for clip in found.clips[0]] == [
        (0, 1.0, {"road"}),
        (1.0, 1.5, {"road", "car"}),
        (1.5, 2.0, {"road"}),
    ]
    assert found.unknown == {"person walking"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<annotations", "no XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotations/>", "document type"),
        ("<annotations><image id='x'><tag label='road'/></image></annotations>", "number of a frame"),
        ("<annotations><track/></annotations>", "no tags of frames"),
        ("<annotations><image id='900'><tag label='road'/></image></annotations>", "a.mp4: from 45 to"),
        ("<annotations><image id='0'><tag label='rain'/></image></annotations>", "its labels are rain"),
        ("{", "no labels.json"),
        ('{"labels": 3}', "no labels.json"),
        ('{"labels": {"b": []}}', "no drive 'b' is open"),
        ('{"labels": {"a": [{"label": "road"}]}}', "a: `label` and `timestamps`"),
        ('{"labels": {"a": [{"label": 7, "timestamps": [0, 1]}]}, "classes": ["road"]}', "a: `label` and"),
        ('{"labels": {"a": [{"label": "road", "timestamps": [0, 99]}]}}', "a.mp4: from 0 to 99"),
        ('{"labels": {"a": []}}', "tags no clip"),
    ],
)
def test_what_cannot_be_read_says_why(session: TaggingSession, text: str, says: str) -> None:
    before = done(session)
    with pytest.raises(EditError, match=says):
        read_tags(session, text, 0)
    assert done(session) == before


def test_a_bag_has_seconds_and_no_even_frames(tmp_path: Path) -> None:
    bag = open_session([make_bag(tmp_path / "b", 20)], CAMVID, options=DriveOptions(1.0))
    bag.cut(0, [(0.0, 2.0)], 2.0)
    bag.tag(bag.revision, [Tagging(0, bag.drives[0].clips[0].id, ("road",), "done")])
    with pytest.raises(EditError, match="a bag's messages come whenever they come"):
        FORMATS["cvat"].write(bag, 0)
    assert read_tags(bag, FORMATS["fiftyone"].write(bag, 0), 0).clips[0][0].tags == {"road"}
