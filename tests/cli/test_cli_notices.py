import re
import subprocess
import sys
import warnings

import pytest
import soundfile

from speakertrip.cli.notices import show_warnings
from speakertrip.errors import SpeakertripWarning


def test_each_text_is_shown_once_and_others_as_ever(capsys):
    before = warnings.showwarning
    with show_warnings():
        for text in ("one", "two", "one"):
            warnings.warn(text, SpeakertripWarning, stacklevel=1)
    assert capsys.readouterr().err == "one\ntwo\n"
    assert warnings.showwarning is before
    with pytest.raises(UserWarning, match="three"), show_warnings():
        warnings.warn("three", UserWarning, stacklevel=1)


def test_telephone_audio_is_verified_with_a_warning_for_each_file(tmp_path, bundle_folder, speech_like):
    for name, seed in (("a", 0), ("b", 1)):
        soundfile.write(tmp_path / f"{name}.wav", speech_like(2.0, seed)[::2], 8_000, subtype="ALAW")
    arguments = ["verify", "--model", str(bundle_folder), "--against", "a.wav", "b.wav", "a.wav"]
    done = subprocess.run(
        [sys.executable, "-m", "speakertrip", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("a.wav", "b.wav"):
        assert (
            len(re.findall(rf"^{name} holds nothing above \d\.\d kHz", done.stderr, flags=re.MULTILINE)) == 1
        )
    assert "Warning" not in done.stderr
    assert len(done.stdout.splitlines()) == 2
