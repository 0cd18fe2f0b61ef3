"""Damaged files end in samples or in an AudioError; the full run is benchmarks/fuzz_audio.py."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.codec import encode_bytes
from speakertrip.audio.corruption import KINDS, corrupt, mend_ogg

ROOT = Path(__file__).parents[2]
CONTENTS = st.one_of(
    st.binary(max_size=600),
    st.binary(max_size=300).map(lambda tail: b"OggS\0\2" + tail),
    st.binary(max_size=300).map(lambda tail: b"RIFF" + tail),
    st.binary(max_size=300).map(lambda tail: b"fLaC" + tail),
    st.binary(max_size=300).map(lambda tail: b"\0\0\0\x20ftyp" + tail),
)


@given(CONTENTS, CONTENTS, st.integers(0, 2**32))
def test_any_content_can_be_damaged_and_the_seed_decides(content, other, seed):
    kind, damaged = corrupt(content, other, np.random.default_rng(seed))
    assert kind in KINDS
    assert isinstance(damaged, bytes)
    assert corrupt(content, other, np.random.default_rng(seed)) == (kind, damaged)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_damages(kind):
    content, other = bytes(range(256)) * 4, b"other" * 200
    damaged = {KINDS[kind](content, other, np.random.default_rng(seed)) for seed in range(20)}
    assert len(damaged - {content}) >= 18


@pytest.mark.parametrize("subtype", ["OPUS", "VORBIS"])
def test_checksums_of_ogg_pages_are_those_of_libogg(subtype):
    content = encode_bytes(np.sin(np.arange(16_000) / 5).astype(np.float32), 16_000, "OGG", subtype)
    assert mend_ogg(content) == content
    page = content.index(b"OggS", 100)
    wrong = content[: page + 22] + bytes(4) + content[page + 26 :]
    assert wrong != content
    assert mend_ogg(wrong) == content


@given(st.binary(max_size=300))
def test_mending_keeps_the_length(tail):
    assert len(mend_ogg(b"OggS" + tail)) == 4 + len(tail)


def test_hundreds_of_damaged_files_bring_nothing_down():
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "benchmarks" / "fuzz_audio.py",
            "--count",
            "300",
            "--seed",
            "7",
            "--limit",
            "60",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 variants, 0 wrong" in done.stdout


def crash(connection):
    connection.send("ready")
    connection.recv()
    os._exit(7)


def hang(connection):
    connection.send("ready")
    time.sleep(60)


def raise_what_is_foreign(connection):
    connection.send("ready")
    while connection.recv():
        connection.send(("ValueError: x", 10.0))


@pytest.mark.parametrize(
    ("worker", "limit", "outcome"),
    [(crash, 60, "crash (7)"), (hang, 0.1, "hang"), (raise_what_is_foreign, 60, "ValueError: x")],
)
def test_what_goes_wrong_is_noticed_and_kept(tmp_path, monkeypatch, capsys, worker, limit, outcome):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import fuzz_audio

    outcomes = fuzz_audio.read_all({"wav": bytes(100)}, 0, range(2), tmp_path, limit, worker)
    assert [each.words for each in outcomes] == [outcome] * 2
    assert fuzz_audio.report(outcomes, 0)
    assert f"seed 0, variant 1: wav, {outcomes[1].damage}: {outcome}\n" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-0.wav", "0-1.wav"]
