import io
import json
import os
from pathlib import Path

import pytest
import tqdm

from speakertrip import cli
from speakertrip.cli.options import print_json, progress_bar


def test_a_bar_that_is_no_terminals_says_nothing(capsys):
    with progress_bar("headers") as advance:
        advance(1, 3)
        advance(2)
    assert capsys.readouterr() == ("", "")


def test_a_bar_counts(monkeypatch):
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, unit, leave, disable):
            bars.append(self)
            super().__init__(unit=unit, leave=leave, disable=False, file=io.StringIO())

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    with progress_bar("headers") as advance:
        advance(1, 3)
        advance(2, 3)
        assert (bars[0].n, bars[0].total, bars[0].unit) == (3, 3, " headers")


def test_a_bar_that_another_process_shows_is_not_shown(monkeypatch):
    seen = []

    class Bar(tqdm.tqdm):
        def __init__(self, unit, leave, disable):
            seen.append(disable)
            super().__init__(disable=True)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    for shown in (True, False):
        with progress_bar("headers", shown) as advance:
            advance(1, 3)
    assert seen == [None, True]  # None: on a terminal


@pytest.mark.parametrize("name", [b"a.wav", b"caf\xe9.wav", "声.wav".encode(), b"\xff\xfe/\xe5\xa3"])
def test_a_name_in_json_is_ascii_and_reads_back(capsys, name):
    print_json({"path": os.fsdecode(name)})
    line = capsys.readouterr().out
    assert line.isascii()
    assert os.fsencode(json.loads(line)["path"]) == name


def test_every_verb_prints_its_json_in_one_way():
    verbs = [path for path in Path(cli.__file__).parent.glob("*.py") if path.name != "options.py"]
    assert len(verbs) > 10
    assert not [path.name for path in verbs if "json.dumps" in path.read_text(encoding="utf-8")]
