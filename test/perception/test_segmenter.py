from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_tiny_bundle

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.host_motion import HostMotion
from wsvs_ros.perception.crf import CrfSettings, ScoreRefiner
from wsvs_ros.perception.engines import EngineError, EngineOptions, create_engine
from wsvs_ros.perception.flow import create_flow
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.pending import SegmenterStats
from wsvs_ros.perception.segmentation import Segmentation
from wsvs_ros.perception.segmenter import VideoSegmenter
from wsvs_ros.perception.segmenter_settings import SegmenterError
from wsvs_ros.perception.tracker import FrameTracker

SECOND = 1_000_000_000
PERIOD = SECOND // 20


def drive(count: int, size: tuple[int, int] = (96, 72)) -> list[Frame]:
    """Frames of a texture that moves to the left, ever faster."""
    width, height = size
    noise = np.random.default_rng(5).integers(0, 256, (height, 4 * width, 3), np.uint8)
    scene = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    frames = []
    for index in range(count):
        left = (index * (index + 1) // 2) % (3 * width)
        image = np.ascontiguousarray(scene[:, left : left + width])
        frames.append(Frame(image, index * PERIOD, "front", name=f"{index:06d}"))
    return frames


def truth(bundle: ModelBundle, frames: Sequence[Frame], index: int, lookahead: int) -> np.ndarray:
    """The scores of one frame by the definition: its own window, made from nothing."""
    length = bundle.window_length
    width, height = bundle.working_size
    images = [cv2.resize(f.image, (width, height), interpolation=cv2.INTER_AREA) for f in frames]
    grays = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in images]
    stack = np.zeros((length, 2, height, width), np.float32)
    for place, later in enumerate(range(index - length + lookahead + 1, index + lookahead + 1)):
        if 1 <= later < len(frames):
            stack[place] = create_flow(bundle.flow)(grays[later - 1], grays[later])
    rgb = np.ascontiguousarray(images[index][..., ::-1].transpose(2, 0, 1))
    return create_engine(bundle).infer(rgb, stack.reshape(2 * length, height, width))


def push_all(segmenter: VideoSegmenter, frames: Sequence[Frame]) -> list[Segmentation]:
    results = [result for frame in frames for result in segmenter.push(frame)]
    return results + segmenter.flush()


@pytest.mark.parametrize("lookahead", [0, 1, 5])
@pytest.mark.parametrize("count", [1, 3, 14])
def test_scores_are_those_of_the_definition(tiny_bundle: ModelBundle, lookahead: int, count: int) -> None:
    frames = drive(count)
    with VideoSegmenter(tiny_bundle, lookahead=lookahead) as segmenter:
        results = push_all(segmenter, frames)
    assert [result.frame for result in results] == frames
    for index, result in enumerate(results):
        np.testing.assert_allclose(result.scores, truth(tiny_bundle, frames, index, lookahead), atol=1e-5)
        fields = range(index - 10 + lookahead + 1, index + lookahead + 1)
        assert result.window_filled == sum(1 <= field < count for field in fields)
        assert result.window_length == 10


def test_the_window_changes_the_result(tiny_bundle: ModelBundle) -> None:
    frames = drive(8)
    with VideoSegmenter(tiny_bundle) as segmenter, VideoSegmenter(tiny_bundle, lookahead=5) as centred:
        live, offline = push_all(segmenter, frames), push_all(centred, frames)
    assert np.abs(live[3].scores - offline[3].scores).max() > 0.01


def test_a_result_comes_as_soon_as_its_future_is_there(tiny_bundle: ModelBundle) -> None:
    frames = drive(6)
    with VideoSegmenter(tiny_bundle, lookahead=2) as segmenter:
        returned = [[result.frame.name for result in segmenter.push(frame)] for frame in frames]
        rest = [result.frame.name for result in segmenter.flush()]
    assert returned == [[], [], ["000000"], ["000001"], ["000002"], ["000003"]]
    assert rest == ["000004", "000005"]


def test_the_bundles_lookahead_is_the_default(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny", lookahead=3)
    with VideoSegmenter(bundle) as segmenter:
        returned = [len(segmenter.push(frame)) for frame in drive(5)]
    assert returned == [0, 0, 0, 1, 1]


def test_without_motion_each_frame_stands_alone(tiny_bundle: ModelBundle) -> None:
    frames = drive(4)
    with VideoSegmenter(tiny_bundle, motion=False, lookahead=5) as segmenter:
        results = [result for frame in frames for result in segmenter.push(frame)]
    assert [result.frame for result in results] == frames, "a frame waited for a future without motion"
    for frame, result in zip(frames, results, strict=True):
        np.testing.assert_allclose(result.scores, truth(tiny_bundle, [frame], 0, 0), atol=1e-5)
        assert result.window_filled == 0


BREAKS = {
    "stamp jumps back": lambda frames: [replace(f, stamp_ns=f.stamp_ns - 100 * SECOND) for f in frames],
    "gap": lambda frames: [replace(f, stamp_ns=f.stamp_ns + SECOND) for f in frames],
    "frame_id": lambda frames: [replace(f, frame_id="rear") for f in frames],
    "size": lambda frames: [replace(f, image=cv2.resize(f.image, (192, 144))) for f in frames],
}


@pytest.mark.parametrize("kind", BREAKS)
@pytest.mark.parametrize("lookahead", [0, 2])
def test_a_stream_that_breaks_off_begins_anew(tiny_bundle: ModelBundle, kind: str, lookahead: int) -> None:
    frames = drive(10)
    before, after = frames[:5], BREAKS[kind](frames[5:])
    with VideoSegmenter(tiny_bundle, lookahead=lookahead) as segmenter:
        results = push_all(segmenter, before + after)
        stats = segmenter.stats
    assert [result.frame.name for result in results] == [frame.name for frame in frames]
    for part, found in ((before, results[:5]), (after, results[5:])):
        for index, result in enumerate(found):
            np.testing.assert_allclose(result.scores, truth(tiny_bundle, part, index, lookahead), atol=1e-5)
    assert stats == SegmenterStats(received=10, inferred=10, skipped=0, resets=1)


def test_frames_that_wait_are_returned_when_the_stream_breaks_off(tiny_bundle: ModelBundle) -> None:
    frames = drive(4)
    late = replace(frames[3], stamp_ns=100 * SECOND)
    with VideoSegmenter(tiny_bundle, lookahead=2) as segmenter:
        for frame in frames[:3]:
            segmenter.push(frame)
        assert [result.frame.name for result in segmenter.push(late)] == ["000001", "000002"]


def test_a_gap_as_long_as_allowed_and_equal_stamps_are_no_break(tiny_bundle: ModelBundle) -> None:
    image = drive(1)[0].image
    with VideoSegmenter(tiny_bundle, max_gap=2.0) as segmenter:
        for stamp in (0, 2 * SECOND, 2 * SECOND):
            segmenter.push(Frame(image, stamp))
        assert segmenter.stats.resets == 0
        segmenter.push(Frame(image, 4 * SECOND + 1))
        assert segmenter.stats.resets == 1


def test_the_newest_frame_is_taken_and_the_others_are_counted(tiny_bundle: ModelBundle) -> None:
    frames = drive(7)
    with VideoSegmenter(tiny_bundle) as segmenter:
        assert segmenter.segment() is None
        for frame in frames[:4]:
            segmenter.observe(frame)
        first = segmenter.segment()
        assert segmenter.segment() is None
        for frame in frames[4:]:
            segmenter.observe(frame)
        second = segmenter.segment()
        stats = segmenter.stats
    assert first is not None
    assert first.frame is frames[3]
    assert second is not None
    assert second.frame is frames[6]
    # the skipped frames are in the window all the same
    np.testing.assert_allclose(second.scores, truth(tiny_bundle, frames, 6, 0), atol=1e-5)
    assert stats == SegmenterStats(received=7, inferred=2, skipped=5, resets=0)


def test_the_newest_frame_is_the_newest_that_has_its_future(tiny_bundle: ModelBundle) -> None:
    frames = drive(6)
    with VideoSegmenter(tiny_bundle, lookahead=2) as segmenter:
        for frame in frames[:2]:
            segmenter.observe(frame)
        assert segmenter.segment() is None
        for frame in frames[2:]:
            segmenter.observe(frame)
        result = segmenter.segment()
        assert result is not None
        np.testing.assert_allclose(result.scores, truth(tiny_bundle, frames, 3, 2), atol=1e-5)
        segmenter.observe(replace(frames[5], stamp_ns=100 * SECOND))
        # 0, 1 and 2 were overtaken; 4 and 5 lost their future to the gap; the last one waits
        assert segmenter.stats == SegmenterStats(received=7, inferred=1, skipped=5, resets=1)
        assert segmenter.segment() is None


@settings(max_examples=15, deadline=None)
@given(
    lookahead=st.integers(0, 5),
    gaps=st.lists(st.sampled_from([1, 1, 1, 1, 1, 30, -3]), min_size=1, max_size=12),
)
def test_observe_and_segment_find_what_push_finds(tiny_bundle: ModelBundle, lookahead: int, gaps: list[int]) -> None:
    stamps = np.cumsum(gaps) * PERIOD
    frames = [replace(frame, stamp_ns=int(s)) for frame, s in zip(drive(len(gaps)), stamps, strict=True)]
    with VideoSegmenter(tiny_bundle, lookahead=lookahead) as segmenter:
        pushed = {result.frame.name: result for result in push_all(segmenter, frames)}
    live = []
    with VideoSegmenter(tiny_bundle, lookahead=lookahead) as segmenter:
        for frame in frames:
            segmenter.observe(frame)
            result = segmenter.segment()
            live += [] if result is None else [result]
        live += segmenter.flush()
        stats = segmenter.stats
    assert sorted(pushed) == [frame.name for frame in frames]
    assert len(live) + stats.skipped == len(frames)
    for result in live:
        np.testing.assert_array_equal(result.scores, pushed[result.frame.name].scores)
        assert result.window_filled == pushed[result.frame.name].window_filled


def test_a_camera_thread_and_an_inference_thread_share_a_segmenter(tiny_bundle: ModelBundle) -> None:
    frames = drive(120)
    with VideoSegmenter(tiny_bundle, lookahead=1) as segmenter:
        alone = {result.frame.name: result.scores for result in push_all(segmenter, frames)}
    results: list[Segmentation] = []
    done = threading.Event()
    with VideoSegmenter(tiny_bundle, lookahead=1) as segmenter:

        def infer() -> None:
            while not done.is_set():
                result = segmenter.segment()
                if result is None:
                    time.sleep(0.001)
                else:
                    results.append(result)

        thread = threading.Thread(target=infer)
        thread.start()
        for frame in frames:
            segmenter.observe(frame)
            time.sleep(0.001)
        done.set()
        thread.join()
        results += segmenter.flush()
        stats = segmenter.stats
    names = [result.frame.name for result in results]
    assert names == sorted(set(names)), "a frame was inferred twice or out of order"
    assert len(names) > 20
    for result in results:
        np.testing.assert_array_equal(result.scores, alone[result.frame.name])
    assert stats == SegmenterStats(len(frames), len(results), len(frames) - len(results), 0)


@pytest.mark.parametrize("size", [(96, 72), (480, 360), (50, 37), (131, 40)])
def test_maps_have_the_cameras_resolution(tiny_bundle: ModelBundle, size: tuple[int, int]) -> None:
    frame = drive(1, size)[0]
    with VideoSegmenter(tiny_bundle) as segmenter:
        result = segmenter.push(frame)[0]
    assert result.labels.shape == result.confidence.shape == result.vehicles.shape == size[::-1]
    assert result.labels.dtype == result.vehicles.dtype == np.uint8
    assert result.labels.max() < len(tiny_bundle.labels)
    assert result.confidence.dtype == np.float32
    assert 1 / 11 <= result.confidence.min() <= result.confidence.max() <= 1
    np.testing.assert_array_equal(result.vehicles, np.where(result.labels == 8, 255, 0))


def test_every_stage_is_timed(tiny_bundle: ModelBundle) -> None:
    with VideoSegmenter(tiny_bundle) as segmenter:
        result = [segmenter.push(frame)[0] for frame in drive(2)][-1]
    assert set(result.seconds) == {"resize", "flow", "engine"}
    assert result.labels is result.labels, "the label map was made twice"
    assert set(result.seconds) == {"resize", "flow", "engine", "labels"}
    assert all(0 < seconds < 10 for seconds in result.seconds.values())


def test_a_mirrored_view_of_an_image_is_taken_as_it_looks(tiny_bundle: ModelBundle) -> None:
    frames = drive(2)
    views = [replace(frame, image=frame.image[:, ::-1]) for frame in frames]
    copies = [replace(frame, image=view.image.copy()) for frame, view in zip(frames, views, strict=True)]
    with VideoSegmenter(tiny_bundle) as segmenter:
        from_views = push_all(segmenter, views)
        from_copies = push_all(segmenter, copies)
    for one, other in zip(from_views, from_copies, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


def test_a_closed_segmenter_says_so(tiny_bundle: ModelBundle) -> None:
    segmenter = VideoSegmenter(tiny_bundle)
    frame = drive(1)[0]
    segmenter.observe(frame)
    segmenter.close()
    segmenter.close()
    for use in (
        lambda: segmenter.observe(frame),
        segmenter.segment,
        lambda: segmenter.push(frame),
        segmenter.flush,
    ):
        with pytest.raises(SegmenterError, match="the segmenter is closed"):
            use()
    assert segmenter.stats.received == 1


def test_values_out_of_range_are_refused(tiny_bundle: ModelBundle) -> None:
    with pytest.raises(SegmenterError, match="lookahead: got 6, expected 0 to 5"):
        VideoSegmenter(tiny_bundle, lookahead=6)
    with pytest.raises(SegmenterError, match="lookahead: got -1"):
        VideoSegmenter(tiny_bundle, lookahead=-1)
    with pytest.raises(SegmenterError, match="max_gap: got 0"):
        VideoSegmenter(tiny_bundle, max_gap=0)
    with pytest.raises(EngineError, match="'abacus'"):
        VideoSegmenter(tiny_bundle, engine=EngineOptions("abacus"))


def test_a_crf_refines_the_scores_of_each_frame_by_its_own_image(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "b")
    frames, crf = drive(4), CrfSettings(5, bilateral_sxy=10)
    with VideoSegmenter(bundle) as plain, VideoSegmenter(bundle, crf=crf) as refining:
        coarse, refined = push_all(plain, frames), push_all(refining, frames)
    refine = ScoreRefiner(crf, bundle.working_size)
    for frame, before, after in zip(frames, coarse, refined, strict=True):
        np.testing.assert_array_equal(after.scores, refine(before.scores, frame.image))
        assert after.labels.shape == before.labels.shape
        assert 0 < after.seconds["crf"] < 10
    assert any((before.labels != after.labels).any() for before, after in zip(coarse, refined, strict=True))


def test_lookahead_and_crf_change_between_two_frames(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "b")
    frames, crf = drive(12), CrfSettings(5, bilateral_sxy=10)
    with VideoSegmenter(bundle, lookahead=2) as segmenter:
        before = [result for frame in frames[:5] for result in segmenter.push(frame)]
        segmenter.set_lookahead(1)
        after = [result for frame in frames[5:10] for result in segmenter.push(frame)]
        assert segmenter.stats.skipped == 2
        segmenter.set_lookahead(None)
        segmenter.set_crf(crf)
        last = [result for frame in frames[10:] for result in segmenter.push(frame)]
        with pytest.raises(SegmenterError, match="lookahead: got 6, expected 0 to 5"):
            segmenter.set_lookahead(6)
        segmenter.set_crf(None)
        (plain,) = segmenter.push(replace(frames[11], stamp_ns=frames[11].stamp_ns + PERIOD))
    names = [result.frame.name for result in (*before, *after, *last)]
    assert names == [frames[index].name for index in (0, 1, 2, 5, 6, 7, 8, 10, 11)]
    for result, index in zip(after, range(5, 9), strict=True):  # the window went on through the change
        np.testing.assert_allclose(result.scores, truth(bundle, frames, index, 1), atol=1e-5)
    refine = ScoreRefiner(crf, bundle.working_size)
    expected = refine(truth(bundle, frames, 11, 0), frames[11].image)
    np.testing.assert_allclose(last[1].scores, expected, atol=1e-4)
    assert "crf" not in plain.seconds


def test_with_a_prior_each_flow_begins_with_the_last_one_of_its_stream(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "b", preset="balanced")
    random = np.random.default_rng(0)  # noise, in which a guess matters
    frames = [Frame(random.integers(0, 256, (72, 96, 3), np.uint8), index * PERIOD, "front") for index in range(6)]
    frames += [replace(frame, stamp_ns=frame.stamp_ns + 10 * SECOND) for frame in frames]
    flow, grays = create_flow(bundle.flow), [cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY) for frame in frames]
    tracker = FrameTracker(bundle, HostMotion(bundle), lookahead=0, max_gap=1.0, flow_prior=True)
    field = None
    for index, frame in enumerate(frames):
        if index == 6:
            assert tracker.breaks_off(frame)
            tracker.drop()
        (tracked,) = tracker.add(frame)
        if index in (0, 6):
            field = None
            assert tracked.filled == 0
        else:
            field = flow(grays[index - 1], grays[index], initial=field)
            np.testing.assert_array_equal(tracked.stack[-2:], field)
    assert np.abs(field - flow(grays[-2], grays[-1])).max() > 1e-3


def test_an_inference_does_not_wait_for_a_flow_that_takes_long(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = drive(2)
    with VideoSegmenter(tiny_bundle) as segmenter:
        compute = segmenter._compute
        in_flow, labelled, flow = threading.Event(), threading.Event(), compute.flow
        in_time: list[bool] = []

        def flow_until_labelled(*arguments: np.ndarray) -> np.ndarray:
            in_flow.set()
            in_time.append(labelled.wait(5))
            return flow(*arguments)

        monkeypatch.setattr(compute, "flow", flow_until_labelled)
        segmenter.observe(frames[0])
        camera = threading.Thread(target=segmenter.observe, args=(frames[1],))
        camera.start()
        assert in_flow.wait(20)
        found = segmenter.segment()
        labelled.set()
        camera.join()
        assert in_time == [True], "the label waited for the flow of the next frame"
        assert found is not None
        assert found.frame is frames[0]
        assert segmenter.stats == SegmenterStats(received=2, inferred=1)


def test_begun_anew_nothing_from_before_is_inferred(tiny_bundle: ModelBundle) -> None:
    frames = drive(6)
    with VideoSegmenter(tiny_bundle, lookahead=1) as segmenter:
        for frame in frames[:4]:
            segmenter.observe(frame)
        segmenter.begin_anew()
        assert segmenter.segment() is None
        assert segmenter.stats == SegmenterStats()
        segmenter.observe(frames[4])
        segmenter.observe(frames[5])
        found = segmenter.segment()
        assert found is not None
        assert found.frame is frames[4]
        assert found.window_filled == 1


def test_a_frame_from_before_a_break_is_not_inferred_after_it(tiny_bundle: ModelBundle) -> None:
    frames = drive(8)
    with VideoSegmenter(tiny_bundle, lookahead=1) as segmenter:
        for frame in frames[:3]:
            segmenter.observe(frame)
        segmenter.observe(replace(frames[3], stamp_ns=100 * SECOND))
        assert segmenter.segment() is None
        assert segmenter.stats == SegmenterStats(received=4, skipped=3, resets=1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stamp_ns": 3 * SECOND}, "3 s between two frames, more than max_gap, 0.5 s"),
        ({"stamp_ns": -SECOND}, "the stamp jumped back by 1 s"),
        ({"frame_id": "rear"}, "frame_id changed from 'front' to 'rear'"),
        ({"image": np.zeros((72, 90, 3), np.uint8)}, "the image's size changed from 96x72 to 90x72"),
    ],
)
def test_why_a_stream_broke_off_is_said(tiny_bundle: ModelBundle, change: dict[str, object], says: str) -> None:
    frames = drive(1)
    with VideoSegmenter(tiny_bundle) as segmenter:
        segmenter.observe(frames[0])
        assert segmenter.stats.last_reset == ""
        segmenter.observe(replace(frames[0], **change))
        assert segmenter.stats.last_reset == says


def test_a_flow_under_way_holds_up_neither_the_inference_nor_the_counts(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = drive(3)
    begun, go_on = threading.Event(), threading.Event()
    with VideoSegmenter(tiny_bundle) as segmenter:
        segmenter.observe(frames[0])
        flow = segmenter._compute.flow

        def slow(*arguments):
            begun.set()
            assert go_on.wait(20)
            return flow(*arguments)

        monkeypatch.setattr(segmenter._compute, "flow", slow)
        camera = threading.Thread(target=segmenter.observe, args=(frames[1],))
        camera.start()
        assert begun.wait(20)
        found: list[Segmentation | None] = []
        inference = threading.Thread(target=lambda: found.append(segmenter.segment()))
        inference.start()
        inference.join(20)
        waited = inference.is_alive()
        received = segmenter.stats.received if not waited else None
        go_on.set()
        camera.join(20)
        inference.join(20)
        assert not waited, "the inference waited for the flow of the next frame"
        assert received == 2
        assert [one.frame for one in found] == [frames[0]]
        newest = segmenter.segment()
        assert newest is not None
        assert newest.frame is frames[1]


@pytest.mark.parametrize("part", ["flow", "infer"])
def test_a_frame_that_fails_is_counted_as_failed(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    frames = drive(4)
    with VideoSegmenter(tiny_bundle) as segmenter:
        segmenter.push(frames[0])
        with monkeypatch.context() as patch:

            def fail(*arguments):
                raise EngineError("out of memory")

            patch.setattr(segmenter._compute, part, fail)
            with pytest.raises(EngineError, match="out of memory"):
                segmenter.push(frames[1])
        assert [found.frame for frame in frames[2:] for found in segmenter.push(frame)] == frames[2:]
        assert segmenter.stats == SegmenterStats(received=4, inferred=3, skipped=0, resets=0, failed=1)


def test_the_tracker_takes_no_frame_that_does_not_continue_its_stream(tiny_bundle: ModelBundle) -> None:
    frames = drive(3)
    tracker = FrameTracker(tiny_bundle, HostMotion(tiny_bundle), lookahead=0, max_gap=1.0)
    tracker.add(frames[0])
    with pytest.raises(ValueError, match=r"does not continue the stream \(the stamp jumped back by"):
        tracker.add(replace(frames[1], stamp_ns=-SECOND))
    (after,) = tracker.add(frames[1])
    assert after.filled == 1
