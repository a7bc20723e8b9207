"""Tags on their way to the disk: saved at once, never over somebody else's, undone and redone."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from drive_files import frames, make_bag, make_folder, make_video
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsvs_ros.drives import DriveError, TagError, TimeBase, load_clip_tags
from wsvs_ros.perception import LabelSet
from wsvs_ros.tagging import ConflictError, EditError, SaveError, TaggingError, TaggingSession
from wsvs_ros.tagging.cuts import find_cuts
from wsvs_ros.tagging.edits import Tagging
from wsvs_ros.tagging.exchange.tables import from_csv, to_csv
from wsvs_ros.tagging.into_bag import write_into_bag
from wsvs_ros.tagging.keys import RESERVED, assign_keys, load_keys
from wsvs_ros.tagging.seeking import open_source
from wsvs_ros.tagging.suggestions import FileSuggester
from wsvs_ros.tagging.summary import review_order, summarise
from wsvs_ros.tagging.workspace import DriveOptions, open_session

CAMVID = LabelSet.load("camvid11")


def session_of(
    path: Path, *, seconds: float = 0.5, topic: str | None = None, fps: float | None = None, **options: object
) -> TaggingSession:
    opened = DriveOptions(seconds, topic, fps)
    session = open_session([path], CAMVID, options=opened, **options)  # type: ignore[arg-type]
    session.cut(0, [(0.0, session.drives[0].duration)], session.drives[0].duration)
    return session


def tag(session: TaggingSession, clip: int, tags: list[str], state: str, *, revision: int | None = None) -> None:
    session.tag(session.revision if revision is None else revision, [Tagging(0, clip, tuple(tags), state)])


def ids(session: TaggingSession) -> list[int]:
    return [clip.id for clip in session.drives[0].clips]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "a.mp4", 60)  # three seconds at 20 Hz


def test_what_is_said_is_on_the_disk_at_once(video: Path) -> None:
    session = session_of(video)
    assert len(ids(session)) == 6
    first, second, third = ids(session)[:3]
    tag(session, first, ["road", "sky"], "done")
    tag(session, second, ["car"], "unsure")
    tag(session, third, ["car"], "open")
    tags = video.with_name("a.mp4.tags.yaml")
    (clip,) = load_clip_tags(tags, CAMVID)["a.mp4"]
    assert (clip.start, clip.end, clip.tags) == (0, 0.5, {"road", "sky"})
    again = session_of(video)
    states = [(clip.state, clip.tags) for clip in again.drives[0].clips[:4]]
    assert states == [("done", {"road", "sky"}), ("unsure", {"car"}), ("open", {"car"}), ("open", frozenset())]
    assert sorted(path.name for path in video.parent.iterdir()) == ["a.mp4", "a.mp4.tagging.json", tags.name]


def test_what_was_suggested_is_recorded_and_orders_the_review(video: Path) -> None:
    session = session_of(video)
    first, second = ids(session)[:2]
    session.suggest(0, first, {"road": 0.9, "car": 0.1})
    session.suggest(0, second, {"road": 0.9, "car": 0.1})
    tag(session, first, ["road"], "done")
    tag(session, second, ["car"], "done")
    assert [(clip, round(far, 2)) for _, clip, far in review_order(session)] == [(second, 0.9), (first, 0.1)]
    assert [round(far, 2) for _, _, far in review_order(session_of(video))] == [0.9, 0.1]


def test_two_tabs_and_other_programs_are_noticed(video: Path) -> None:
    session = session_of(video)
    old = session.revision
    tag(session, ids(session)[0], ["road"], "done")
    with pytest.raises(ConflictError, match="in the meantime"):
        tag(session, ids(session)[1], ["sky"], "done", revision=old)
    tags = video.with_name("a.mp4.tags.yaml")
    theirs = "a.mp4:\n  - {start: 0, end: 0.5, tags: [cyclist]}\n"
    tags.write_text(theirs)
    with pytest.raises(ConflictError):
        tag(session, ids(session)[1], ["sky"], "done")
    assert tags.read_text() == theirs
    assert session.drives[0].clips[0].tags == {"cyclist"}
    tags.write_text("a.mp4: [")
    assert "not a YAML file" in (session.changes()["problem"] or "")
    with pytest.raises(SaveError, match="mended"):
        tag(session, ids(session)[1], ["sky"], "done")
    assert tags.read_text() == "a.mp4: ["
    tags.unlink()
    tag(session, ids(session)[1], ["sky"], "done")
    assert [clip.tags for clip in load_clip_tags(tags, CAMVID)["a.mp4"]] == [{"cyclist"}, {"sky"}]


def test_a_hand_written_file_is_kept_with_its_other_drives_and_tags(video: Path) -> None:
    tags = video.with_name("tags.yaml")
    theirs = (
        "# ours\na.mp4:\n  - {start: 0, end: 0.5, tags: [road, terrain]}  # inside\n"
        "b.mp4:\n  - {start: 1, end: 2, tags: [sky]}\n"
    )
    tags.write_text(theirs)
    with pytest.raises(TagError, match="clip 1: unknown class 'terrain'"):
        session_of(video, tags=tags)
    session = session_of(video, tags=tags, kept=["terrain"])
    tag(session, ids(session)[0], ["sky"], "done")
    clips = load_clip_tags(tags, CAMVID, ignore=["terrain"])
    assert [clip.tags for clip in clips["a.mp4"]] == [{"sky"}]
    assert "terrain" in tags.read_text()
    assert [clip.tags for clip in clips["b.mp4"]] == [{"sky"}]
    assert tags.read_text().startswith("# ours\n")
    assert tags.with_name("tags.yaml.before-tagging").read_text() == theirs


def test_what_the_times_count_is_saved_and_taken_up_again(tmp_path: Path) -> None:
    folder, bag = make_folder(tmp_path / "f", 30), make_bag(tmp_path / "b", 10, topics=("/left", "/right"))
    tags = tmp_path / "tags.yaml"
    tags.write_text("c.mp4:\n  fps: 50\n  clips:\n    - {start: 1, end: 2, tags: [sky]}\n")
    session = session_of(folder, tags=tags, fps=10.0)
    tag(session, ids(session)[0], ["road"], "done")
    session = session_of(bag, tags=tags, topic="/right")
    tag(session, ids(session)[0], ["car"], "done")
    found = {name: drive.time_base for name, drive in load_clip_tags(tags, CAMVID).items()}
    assert found == {
        "c.mp4": TimeBase("frames", fps=50),
        "f": TimeBase("frames", fps=10),
        "b": TimeBase("log", topic="/right"),
    }
    assert session_of(folder, tags=tags).drives[0].duration == 3.0, "the file's rate, not the default of 15"
    assert session_of(bag, tags=tags).drives[0].time_base.topic == "/right"
    with pytest.raises(TaggingError, match="times of f were counted with --fps 10.0, not 5.0; leave --fps out"):
        session_of(folder, tags=tags, fps=5.0)
    with pytest.raises(TaggingError, match="times of b were counted with --topic /right, not /left"):
        session_of(bag, tags=tags, topic="/left")
    tags.write_text(tags.read_text().replace('stamps: "log"', "fps: 5").replace('  topic: "/right"\n', ""))
    with pytest.raises(DriveError, match="bag drive, whose times cannot be counted by `stamps: frames`"):
        session_of(bag, tags=tags, topic="/left")
    tags.write_text(tags.read_text().replace("fps: 10.0", "fps: 20.0"))
    session = session_of(folder, tags=tags)
    tags.write_text(tags.read_text().replace("fps: 20.0", "fps: 40.0"))
    assert "counted anew" in (session.changes()["problem"] or "")


def test_bags_are_sought_by_their_headers_where_tags_count_those(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "b", 20, header_fps=5.0)  # recorded at 10 Hz
    pictures = frames(20)
    for stamps, rate in (("log", 10), ("header", 5)):
        source = open_source(bag, TimeBase(stamps))
        assert source.duration == pytest.approx(19 / rate + 0.1, abs=0.11)
        for index in (15, 3, 4, 19, 0):
            found = source.at((index + 0.5) / rate)
            errors = [float(np.abs(found.astype(int) - picture.astype(int)).mean()) for picture in pictures]
            assert int(np.argmin(errors)) == index, stamps
        source.close()


def test_bad_places_and_drives(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "drive", 4)
    with pytest.raises(TaggingError, match="inside the drive"):
        session_of(folder, tags=folder / "tags.yaml")
    with pytest.raises(SaveError, match="cannot be written.*--tags"):
        session_of(folder, tags=tmp_path / "no" / "such" / "tags.yaml")
    (tmp_path / "bad.mp4").write_text("no video")
    with pytest.raises(DriveError, match="bad.mp4"):
        session_of(tmp_path / "bad.mp4")


def test_a_change_that_cannot_be_saved_is_not_made(video: Path) -> None:
    session = session_of(video)
    video.parent.joinpath("a.mp4.tagging.json").mkdir()  # in the way
    with pytest.raises(SaveError, match="cannot be written"):
        tag(session, ids(session)[0], ["road"], "done")
    assert not session.drives[0].clips[0].touched
    assert not video.with_name("a.mp4.tags.yaml").exists()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(st.tuples(st.sampled_from(["tag", "split", "merge", "undo", "redo"]), st.integers(0, 9)), max_size=12)
)
def test_whatever_is_done_clips_cover_the_drive_and_undo_leads_back(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("acts")
    session = session_of(make_video(folder / "a.mp4", 40))
    before = list(session.drives[0].clips)
    for act, number in acts:
        clips = session.drives[0].clips
        clip = clips[number % len(clips)]
        try:
            if act == "tag":
                tag(session, clip.id, [CAMVID.names[number]], "done")
            elif act == "split":
                session.split(session.revision, 0, clip.id, (clip.start + clip.end) / 2)
            elif act == "merge":
                session.merge(session.revision, 0, clip.id)
            else:
                getattr(session, act)(session.revision)
        except EditError:
            pass  # nothing to undo, too short to split, no next clip
        edges = [(one.start, one.end) for one in session.drives[0].clips]
        assert edges[0][0] == 0
        assert edges[-1][1] == pytest.approx(2.0)
        assert all(one[1] == other[0] for one, other in itertools.pairwise(edges))
    again = session_of(folder / "a.mp4")
    kept = [(clip.start, clip.end, clip.tags, clip.state) for clip in session.drives[0].touched()]
    assert [(clip.start, clip.end, clip.tags, clip.state) for clip in again.drives[0].touched()] == kept
    while session.changes()["undo"]:
        session.undo(session.revision)
    assert session.drives[0].clips == before


def test_tables_go_out_and_come_back(video: Path) -> None:
    session = session_of(video)
    tag(session, ids(session)[0], ["road", "sky"], "done")
    text = to_csv(session)
    assert text.splitlines()[1] == "a.mp4,0.000,0.500,done,sky;road"
    session.undo(session.revision)
    session.replace_all(session.revision, from_csv(session, text))
    assert to_csv(session) == text
    session.undo(session.revision)
    assert not session.drives[0].touched()
    for row, says in [
        ("b.mp4,0,1,done,road", "line 2: no drive 'b.mp4'"),
        ("a.mp4,0,99,done,road", "line 2: from 0 to 99"),
        ("a.mp4,0,1,odd,road", "line 2: state 'odd'"),
        ("a.mp4,0,1,done,roed", "line 2: unknown class 'roed'"),
        ("a.mp4,0,1,done,road\na.mp4,0.5,2,done,sky", "overlap"),
    ]:
        with pytest.raises(EditError, match=says):
            from_csv(session, f"drive,start,end,state,tags\n{row}\n")


def test_a_table_of_two_drives_comes_in_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    videos = [make_video(folder / f"{folder.name}.mp4", 40) for folder in folders]
    session = open_session(videos, CAMVID, options=DriveOptions(1.0))
    for index in (0, 1):
        session.cut(index, [(0.0, 2.0)], 2.0)
    first = session.drives[0].clips[0].id
    tag(session, first, ["sky"], "done")
    before = [list(drive.clips) for drive in session.drives]
    kept = (folders[0] / "one.mp4.tags.yaml").read_text()
    rows = "".join(f"{session.drives[k].name},0,1,done,road\n" for k in (0, 1))
    clips = from_csv(session, f"drive,start,end,state,tags\n{rows}")
    blocked = folders[1] / "two.mp4.tagging.json"
    blocked.mkdir()
    with pytest.raises(SaveError, match="two.mp4.tags.yaml: cannot be written"):
        session.replace_all(session.revision, clips)
    assert [list(drive.clips) for drive in session.drives] == before
    assert (folders[0] / "one.mp4.tags.yaml").read_text() == kept
    blocked.rmdir()
    session.replace_all(session.revision, clips)
    assert [drive.clips[0].tags for drive in session.drives] == [{"road"}, {"road"}]
    session.undo(session.revision)
    assert [list(drive.clips) for drive in session.drives] == before, "one undo takes both drives back"
    session.redo(session.revision)
    assert [drive.clips[0].tags for drive in open_session(videos, CAMVID).drives] == [{"road"}, {"road"}]


def test_suggestions_of_others_are_never_written_over(video: Path) -> None:
    theirs = video.with_name("a.mp4.suggestions.json")
    theirs.write_text('{"drives": {"a.mp4": {"times": [0], "scores": {"road": [0.9]}}}}')
    foreign = video.with_name("a.mp4.tagging.json")
    foreign.write_text("not ours")
    before = theirs.read_text()
    for _ in range(2):
        session = session_of(video)
        session.suggest(0, ids(session)[0], {"road": 0.9})
        tag(session, ids(session)[0], ["road"], "done")
    assert theirs.read_text() == before
    assert foreign.with_name("a.mp4.tagging.json.before-tagging").read_text() == "not ours"
    assert session_of(video).drives[0].clips[0].suggested == {"road": 0.9}
    assert not foreign.with_name("a.mp4.tagging.json.before-tagging-2").exists()


def test_the_summary_counts_and_warns(video: Path) -> None:
    session = session_of(video)
    for clip in ids(session):
        tag(session, clip, ["road", "sky"] if clip % 2 else ["road"], "done")
    found = summarise(session)
    road, sky = CAMVID.id_of("road"), CAMVID.id_of("sky")
    assert (found["done"], found["counts"][road], found["cooccurrence"][road][sky]) == (6, 6, 3)
    assert any(text.startswith("road: in 6 of 6 clips") and "iconic" in text for text in found["warnings"])
    assert any(text.startswith("car: in none of 6 clips") for text in found["warnings"])
    assert not any(text.startswith("sky") for text in found["warnings"])


def test_ten_thousand_clips(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", 60, fps=0.01)  # 100 minutes
    session = session_of(video, seconds=0.6)
    assert len(ids(session)) == 10_000
    clips = list(session.drives[0].clips)
    session.replace_all(
        session.revision,
        {
            0: [
                session.drives[0].new(start=c.start, end=c.end, tags=frozenset({"road"}), state="done", touched=True)
                for c in clips
            ]
        },
    )
    tag(session, ids(session)[5000], ["sky"], "done")
    assert len(load_clip_tags(tmp_path / "a.mp4.tags.yaml", CAMVID)["a.mp4"]) == 10_000


def test_frames_are_sought_in_every_kind_of_drive(tmp_path: Path) -> None:
    pictures = frames(20)
    for path in (make_video(tmp_path / "a.mp4", 20), make_folder(tmp_path / "f", 20), make_bag(tmp_path / "b", 20)):
        source = open_source(path)
        assert source.duration == pytest.approx(20 / source.fps, abs=0.11)
        for index in (15, 3, 4, 19, 0):
            found = source.at((index + 0.5) / source.fps)
            errors = [float(np.abs(found.astype(int) - picture.astype(int)).mean()) for picture in pictures]
            assert int(np.argmin(errors)) == index, path
        source.close()


def test_scenes_are_cut_where_the_picture_changes(tmp_path: Path) -> None:
    import cv2

    writer = cv2.VideoWriter(str(tmp_path / "s.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (96, 72))
    for index in range(60):
        writer.write(np.full((72, 96, 3), (200, 60, 20) if index < 33 else (20, 80, 220), np.uint8))
    writer.release()
    source = open_source(tmp_path / "s.mp4")
    assert [cut for _, cut in find_cuts(source, 0.0, source.duration) if cut is not None] == [3.3]


def test_keys_of_ones_own_come_first(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("car: 1\nroad: s\n")
    keys = assign_keys(CAMVID.names, load_keys(path, CAMVID.names))
    assert (keys["car"], keys["road"], keys["sky"]) == ("1", "s", "k")
    assert len(set(keys.values())) == len(CAMVID.names)
    for text, says in [
        ("cra: 1", "unknown key cra"),
        ("car: u", "car: got 'u', expected a key that has no other meaning"),
        ("car: ab", "expected one character"),
        ("car: 1\nsky: 1", "expected a key of its own"),
    ]:
        path.write_text(text)
        with pytest.raises(TaggingError, match=says):
            load_keys(path, CAMVID.names)


def test_a_stretch_of_frames_plays_at_the_rate_that_is_shown(tmp_path: Path) -> None:
    for path in (make_video(tmp_path / "a.mp4", 20), make_folder(tmp_path / "f", 20), make_bag(tmp_path / "b", 20)):
        source = open_source(path)
        times = [seconds for seconds, _ in source.frames(0.5, 1.0, 30.0)]
        period = 1 / source.fps
        assert times[0] == pytest.approx(0.5, abs=period)
        assert [later - earlier for earlier, later in itertools.pairwise(times)] == pytest.approx(
            [period] * (len(times) - 1), abs=0.01
        )
        assert len(times) == pytest.approx(0.5 / period, abs=1)
        halved = [seconds for seconds, _ in source.frames(0.5, 1.0, source.fps / 2)]
        assert len(halved) == pytest.approx(len(times) / 2, abs=1)
        source.close()
    source = open_source(tmp_path / "b", TimeBase("header"))
    assert [seconds for seconds, _ in source.frames(0.5, 1.0, 30.0)] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    source.close()


def test_tags_of_a_bag_travel_with_it(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 20)
    session = session_of(bag)
    with pytest.raises(TaggingError, match="nothing of it is tagged yet"):
        write_into_bag(session, 0)
    tag(session, ids(session)[0], ["road"], "done")
    tag(session, ids(session)[1], ["sky"], "unsure")
    write_into_bag(session, 0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = bag.rename(elsewhere / "bag2")
    again = session_of(moved)
    assert [(clip.tags, clip.state) for clip in again.drives[0].touched()] == [({"road"}, "done"), ({"sky"}, "unsure")]
    assert not (elsewhere / "bag2.tags.yaml").exists()
    tag(again, ids(again)[0], ["car"], "done")
    assert session_of(moved).drives[0].clips[0].tags == {"car"}, "the file beside it counts more than what it bears"
    video = session_of(make_video(tmp_path / "a.mp4", 20))
    with pytest.raises(TaggingError, match="no bag"):
        write_into_bag(video, 0)


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=80))
def test_keys_are_unique_and_free(names: list[str]) -> None:
    keys = assign_keys(names)
    assert len(set(keys.values())) == len(keys) == min(len(names), len(keys))
    assert not set(keys.values()) & RESERVED
    assert len(names) > 57 or len(keys) == len(names)


def test_suggestions_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"drives": {"a.mp4": {"times": [0, 1, 5], "scores": {"road": [0.2, 0.9, 0.1]}}}}')
    suggester = FileSuggester(path, CAMVID)
    source = open_source(make_video(tmp_path / "a.mp4", 2))
    assert suggester.scores(source, "a.mp4", 0.0, 2.0) == {"road": 0.9}
    assert suggester.scores(source, "b.mp4", 0.0, 2.0) == {}
    for text, says in [
        ("{", "no file of suggestions"),
        (path.read_text().replace("road", "roed"), "unknown class 'roed'"),
    ]:
        path.write_text(text)
        with pytest.raises(TagError, match=says):
            FileSuggester(path, CAMVID)
