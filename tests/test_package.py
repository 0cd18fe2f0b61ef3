import subprocess
import sys

import pytest

import speakertrip

HEAVY = ("torch", "torchaudio", "speechbrain", "numpy", "scipy", "soundfile", "pydantic")


def test_the_public_names_are_exactly_those_of_all():
    assert dir(speakertrip) == speakertrip.__all__ == sorted(set(speakertrip.__all__))
    for name in speakertrip.__all__:
        thing = getattr(speakertrip, name)
        assert thing.__doc__
        assert getattr(thing, "__module__", "speakertrip").startswith("speakertrip")
    scope: dict[str, object] = {}
    exec("from speakertrip import *", scope)
    assert scope.keys() - {"__builtins__"} == set(speakertrip.__all__)
    # What else hangs on the module is a room, loaded by now, or private.
    public = {name for name in vars(speakertrip) if not name.startswith("_")}
    rooms = {name for name in public if f"speakertrip.{name}" in sys.modules}
    assert public - rooms <= {*speakertrip.__all__, "Any", "TYPE_CHECKING", "import_module"}


def test_unknown_names():
    with pytest.raises(AttributeError, match="has no attribute 'Voiceprint'"):
        _ = speakertrip.Voiceprint


@pytest.mark.parametrize(
    "statement",
    [
        "import speakertrip; dir(speakertrip); speakertrip.SpeakertripError",
        "from speakertrip.cli import run; run(['--help'])",
        "from speakertrip.cli import run; run(['verify', '--help']); run(['train', '--help']); run(['bogus'])",
    ],
)
def test_what_needs_no_model_loads_none(statement):
    script = f"import sys; {statement}; sys.exit(str([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "[]"


def test_rooms_without_torch():
    rooms = ("errors", "config", "manifests", "metrics", "backend", "enrollment", "corpora")
    imports = ", ".join(f"speakertrip.{room}" for room in rooms)
    subprocess.run(
        [sys.executable, "-c", f"import sys, {imports}; sys.exit('torch' in sys.modules)"], check=True
    )


def test_a_bundle_of_ours_needs_nothing_of_other_models(bundle_folder):
    script = (
        "import sys; from speakertrip import Bundle; Bundle.load(sys.argv[1]); "
        "foreign = ('huggingface_hub', 'onnxruntime', 'speakertrip.bundle.inert_yaml', 'speakertrip.bundle.foreign'); "
        "sys.exit(str([name for name in foreign if name in sys.modules]))"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, str(bundle_folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "[]"
