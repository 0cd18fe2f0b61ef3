import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.streams import GuardedStream, Window

CONTENT = bytes(range(200))
STEPS = st.tuples(st.integers(-300, 300), st.sampled_from([0, 1, 2]), st.integers(-1, 250))


@pytest.fixture(scope="module")
def shard(scratch):
    (scratch / "0.tar").write_bytes(b"before" + CONTENT + b"after")
    return scratch / "0.tar"


@given(st.lists(STEPS, max_size=8))
def test_a_window_is_read_as_the_file_would_be(shard, steps):
    with io.FileIO(shard) as whole, io.BytesIO(CONTENT) as file:
        window = GuardedStream(Window(whole, 6, 200))
        for offset, whence, size in steps:
            if offset + (0, file.tell(), 200)[whence] >= 0:
                file.seek(offset, whence)
            assert window.seek(offset, whence) == file.tell()
            assert window.read(size) == file.read(size)
            assert window.tell() == file.tell()
        assert window.error is None


def test_a_window_beyond_the_end_of_a_file_is_short(shard):
    with io.FileIO(shard) as whole:
        assert Window(whole, 200, 200).read() == CONTENT[194:] + b"after"
