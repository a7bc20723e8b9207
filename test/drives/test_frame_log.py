"""`frames.csv`: written line by line, read back whatever became of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from wsvs_ros.drives.frame_log import FRAMES, FrameLog, FrameRecord, read_frame_log

NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12)
RECORDS = st.builds(
    FrameRecord, NAMES, st.integers(-(2**62), 2**62), NAMES, st.none() | st.integers(0, 10**6).map(lambda k: k / 1000)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(RECORDS, max_size=6, unique_by=lambda record: record.name), st.integers(0, 60))
def test_what_is_written_is_read_and_a_torn_line_is_left_out(records: list[FrameRecord], cut: int) -> None:
    with TemporaryDirectory() as folder:
        log = FrameLog(Path(folder), records[:2])
        for record in records[2:]:
            log.write(record)
        log.close()
        found = read_frame_log(Path(folder))
        assert list(found.values()) == records
        path = Path(folder) / FRAMES
        path.write_bytes(path.read_bytes()[: -cut or None])
        torn = list(read_frame_log(Path(folder)).values())
        assert torn == records[: len(torn)]
        assert len(torn) == len(records) or cut


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_rubbish_is_no_frame(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / FRAMES).write_bytes(content)
        assert isinstance(read_frame_log(Path(folder)), dict)


def test_no_file_is_no_frames(tmp_path: Path) -> None:
    assert read_frame_log(tmp_path) == {}
