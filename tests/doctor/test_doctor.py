import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from speakertrip.audio import codec
from speakertrip.doctor import Check, codecs, examine, libraries, store
from speakertrip.doctor.model import check_model
from speakertrip.embedding import Embedder
from speakertrip.enrollment import Enrollment, SpeakerStore
from speakertrip.enrollment.store import store as store_module
from speakertrip.errors import BundleError

MODEL = "a1" * 32
CODECS = ["WAV", "FLAC", "OGG Vorbis", "OGG Opus", "MP3", "m4a"]


@pytest.fixture
def path(tmp_path) -> Path:
    SpeakerStore(tmp_path / "s.sqlite").add(
        "spk1", MODEL, [Enrollment(np.ones(4, np.float32), "/a", "", 1.0)]
    )
    return tmp_path / "s.sqlite"


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_a_sound_installation(bundle_folder, path):
    found = by_name(list(examine(bundle_folder, path, "cpu")))
    assert [check for check in found.values() if check.status == "failed"] == []
    assert {"Python", "speakertrip", "numpy", "soundfile", "torch", "torchaudio", "disk"} <= set(found)
    assert set(CODECS) <= set(found)
    assert "libsndfile" in found["soundfile"].found
    assert found["embedding"].found == "a synthetic voice on cpu: 24 numbers, twice the same"
    assert "1 speaker, 1 utterance" in found["store"].found
    assert found["models"] == Check(
        "models",
        "warning",
        "1 speaker enrolled with another model cannot be compared",
        "speakertrip speakers re-enroll",
    )


def rows_with_broken(tmp_path: Path, **broken: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Run the verb where modules of these names do as they say, instead of the libraries."""
    for name, code in broken.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code)
    here = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "speakertrip", "doctor", "--json", "--store", str(tmp_path / "s.sqlite")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), here])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("broken", ["numpy", "soundfile", "torch"])
def test_one_broken_library_does_not_hide_the_others(tmp_path, broken):
    code, rows = rows_with_broken(tmp_path, **{broken: "raise SystemExit(1)"})
    assert (code, rows[broken]["status"]) == (70, "failed")
    assert f"pip install --force-reinstall {broken}" in rows[broken]["advice"]
    assert rows["filelock"]["status"] == "ok"
    skipped = "model" if broken == "torch" else "codecs, model and store"
    assert rows[skipped]["found"].startswith("not checked, for ")
    if broken == "torch":
        assert rows["MP3"]["status"] == rows["disk"]["status"] == "ok"


def test_a_broken_torchaudio_and_a_broken_extra(tmp_path):
    code, rows = rows_with_broken(tmp_path, torchaudio="raise OSError('libx.so')", av="raise SystemExit(1)")
    assert (code, rows["torchaudio"]["status"]) == (70, "failed")
    assert f"pip install torchaudio=={rows['torch']['found'].split('+')[0]}" in rows["torchaudio"]["advice"]
    assert (rows["m4a"]["status"], rows["MP3"]["status"]) == ("warning", "ok")


def test_a_torchaudio_of_another_torch(monkeypatch):
    import torchaudio

    monkeypatch.setattr(torchaudio, "__version__", "2.8.0+rocm6")
    torch, pair = libraries.check_torch()
    assert (torch.status, pair.status, pair.exit_code) == ("ok", "failed", 70)
    assert pair.found == "2.8.0+rocm6 is of another torch"
    assert "Install the torchaudio of torch" in pair.advice


def test_a_codec_that_is_missing_or_wrong(monkeypatch):
    encode = codec.encode_bytes

    def without_mp3(waveform, rate, container, subtype):
        if container == "MP3":
            raise ValueError("format not supported")
        return encode(waveform if container != "FLAC" else waveform[::2].copy(), rate, container, subtype)

    monkeypatch.setattr(codec, "encode_bytes", without_mp3)
    found = by_name(codecs.check_codecs())
    assert (found["MP3"].status, found["MP3"].exit_code) == ("failed", 70)
    assert "format not supported" in found["MP3"].found
    assert found["FLAC"].found == "a tone is decoded as something else"
    assert found["WAV"].status == found["OGG Opus"].status == "ok"


def test_m4a_is_an_extra(monkeypatch):
    monkeypatch.setattr(codecs, "find_spec", lambda name: None)
    check = by_name(codecs.check_codecs())["m4a"]
    assert (check.status, "speakertrip[m4a]" in check.found) == ("ok", True)


def test_extras():
    lines = ["numpy>=1", 'av>=12; extra == "m4a"', 'no-such-thing>=1; extra == "x"', "ruff; extra == 'dev'"]
    assert libraries._extras(lines) == {"m4a": ["av"], "x": ["no-such-thing"]}
    check = libraries._extra("x", ["numpy", "no-such-thing"])
    assert check.status == "ok"
    assert check.found == "not installed (no-such-thing); if you need it: pip install 'speakertrip[x]'"


def test_models(bundle_folder, tmp_path, monkeypatch):
    checks, identity = check_model(bundle_folder, "cpu", 1)
    assert [check.status for check in checks] == ["ok", "ok"]
    assert identity in checks[0].found
    shutil.copytree(bundle_folder, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"x")
    failed = by_name(list(examine(tmp_path / "model", tmp_path / "s.sqlite", "cpu")))["model"]
    assert (failed.status, failed.exit_code) == ("failed", 5)
    assert "is damaged" in failed.found
    calls = iter(range(10))
    monkeypatch.setattr(Embedder, "embed", lambda self, waveforms: np.float32([[1.0, next(calls)]]))
    checks, _ = check_model(bundle_folder, "cpu", 1)
    assert (checks[1].status, checks[1].exit_code) == ("failed", 70)


def test_an_embedding_that_is_not_finite(bundle_folder, monkeypatch):
    def fail(self, waveforms):
        raise BundleError("The model gives embeddings that are not finite numbers; use another one.")

    monkeypatch.setattr(Embedder, "embed", fail)
    failed = by_name(list(examine(bundle_folder, None, "cpu")))["model"]
    assert (failed.status, failed.exit_code) == ("failed", 5)


def test_no_store_yet(tmp_path):
    (check,) = store.check_store(tmp_path / "none.sqlite", "")
    assert (check.status, "there is none at" in check.found) == ("ok", True)
    assert [check.status for check in store.check_disk(tmp_path / "a" / "b" / "none.sqlite")] == ["ok"]
    assert not list(tmp_path.iterdir())


def test_a_user_without_a_home(monkeypatch):
    def fail():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    found = by_name(list(examine(None, None)))
    assert found["store"].status == found["disk"].status == "failed"
    assert "home directory" in found["store"].found


def test_a_damaged_store(path):
    speakers = SpeakerStore(path)
    for number in range(60):
        row = Enrollment(np.ones(192, np.float32), f"/{number}", "", 1.0)
        speakers.add(f"more{number}", MODEL, [row])
    assert [check.status for check in store.check_store(path, MODEL)] == ["ok"]
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xaa" * (4096 * 3)
    path.write_bytes(content)
    found = by_name(list(examine(None, path)))["store"]
    assert (found.status, found.exit_code) == ("failed", 4)
    path.write_bytes(b"This is no database, though it is long enough to be one." * 20)
    found = by_name(list(examine(None, path)))["store"]
    assert (found.status, found.exit_code) == ("failed", 4)


def test_a_store_of_which_nobody_can_read_the_tables_names(path):
    content = path.read_bytes().replace(b"CREATE TABLE speakers", b"\xff" * 21)
    path.write_bytes(content.replace(b"tablespeakersspeakers", b"table" + b"\xe9" * 16))
    found = by_name(list(examine(None, path)))["store"]
    assert (found.status, found.exit_code) == ("failed", 4)
    assert "the file is damaged; restore a copy" in found.found


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_store_that_others_may_read(path):
    path.chmod(0o640)
    found = by_name(store.check_store(path, MODEL))
    assert found["permissions"].status == "warning"
    assert found["permissions"].advice == f"chmod 600 {path}"
    path.chmod(0o600)
    assert "permissions" not in by_name(store.check_store(path, MODEL))


def test_bytes_that_wait_for_their_erasure(path, monkeypatch):
    monkeypatch.setattr(store_module.Database, "erase", lambda self, patience=0.0: False)
    SpeakerStore(path).add("spk1", MODEL, [Enrollment(np.ones(4, np.float32), "/b", "", 1.0)], "replace")
    assert by_name(store.check_store(path, MODEL))["erasure"].status == "warning"


@pytest.mark.parametrize(
    ("free", "status", "code"), [(2**40, "ok", 0), (50 << 20, "warning", 0), (1000, "failed", 7)]
)
def test_the_disk(tmp_path, monkeypatch, free, status, code):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(2**40, 0, free))
    (check,) = store.check_disk(tmp_path / "s.sqlite")
    assert (check.status, check.exit_code) == (status, code)
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    (check,) = store.check_disk(tmp_path / "s.sqlite")
    assert (check.status, check.exit_code) == ("failed", 7)


def test_the_verb(monkeypatch, capsys, bundle_folder, path):
    from speakertrip.cli import run

    assert run(["doctor", "--model", str(bundle_folder), "--store", str(path), "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert {line.split()[0] for line in out.splitlines()} == {"ok", "warning"}
    monkeypatch.setattr("speakertrip.doctor.examine", lambda *asked: iter([
        Check("a", "failed", "x", "Do y.", 4), Check("b", "failed", "z.", "", 7), Check("c", "ok", "")
    ]))  # fmt: skip
    assert run(["doctor"]) == 7
    assert capsys.readouterr().out.splitlines()[0].endswith(" x; Do y.")
    assert run(["doctor", "--json"]) == 7
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == {
        "check": "a", "status": "failed", "found": "x", "advice": "Do y."
    }  # fmt: skip
