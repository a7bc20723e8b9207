"""Videos: their own stamps, and the places where they are not whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from drive_files import frames, make_video

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.video_writer import VideoWriter


def encode(path: Path, times: list[float], codec: str = "mpeg4") -> Path:
    """A video whose frames are shown at these seconds."""
    pictures = frames(len(times))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=20)
        stream.width, stream.height, stream.pix_fmt = 96, 72, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, seconds in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = round(seconds * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_varying_rate_keeps_its_stamps(tmp_path: Path, suffix: str) -> None:
    times = [0.0, 0.05, 0.1, 0.4, 0.45, 1.2]
    with open_drive(encode(tmp_path / f"a{suffix}", times)) as drive:
        found = list(drive)
    assert [frame.stamp_ns * 1e-9 for frame in found] == pytest.approx(times, abs=2e-3)
    assert [frame.name for frame in found] == [f"{k:06d}" for k in range(6)]
    assert not drive.refused  # type: ignore[attr-defined]
    with open_drive(tmp_path / f"a{suffix}", fps=10.0) as drive:
        assert [frame.stamp_ns for frame in drive] == [k * 100_000_000 for k in range(6)]


def test_one_frame_in_a_hundred_that_is_lost_is_told(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.mkv", [k / 20 for k in range(200)])
    with open_drive(whole) as drive:
        assert len(list(drive)) == 200
        assert not drive.refused  # type: ignore[attr-defined]
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * 0.985)])
    with open_drive(whole) as drive:
        count = len(list(drive))
        assert 190 <= count < 200
        assert "breaks off after" in drive.refused[-1]  # type: ignore[attr-defined]


def test_a_damaged_place_is_stepped_over_and_told(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.avi", 40, codec="MJPG")
    content = bytearray(video.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    video.write_bytes(content)
    with open_drive(video) as drive:
        assert len(list(drive)) >= 30
        assert drive.refused  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["notes.txt", "list.ffconcat", "list.m3u8"])
def test_a_text_is_no_video(tmp_path: Path, name: str) -> None:
    secret = make_video(tmp_path / "other.mp4", 3)
    texts = {
        "notes.txt": "drives of monday\n" * 50,
        "list.ffconcat": f"ffconcat version 1.0\nfile {secret.name}\n",
        "list.m3u8": f"#EXTM3U\n#EXTINF:1,\n{secret.name}\n",
    }
    (tmp_path / name).write_text(texts[name])
    with pytest.raises(DriveError, match="not a video"):
        open_drive(tmp_path / name)


def test_an_excerpt_keeps_the_names(tmp_path: Path) -> None:
    with open_drive(make_video(tmp_path / "a.mp4", 40), excerpt=Excerpt(0.5, 1.0)) as drive:
        assert drive.frame_count == 10
        assert [frame.name for frame in drive] == [f"{k:06d}" for k in range(10, 20)]


def test_the_overlay_is_h264_that_browsers_play(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "v.mp4", 15)
    for picture in frames(12, (97, 73)):
        writer.write(picture)
    writer.close()
    with av.open(str(tmp_path / "v.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.frames) == (96, 72, 12)
    content = (tmp_path / "v.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # begins to play before all of it has come
