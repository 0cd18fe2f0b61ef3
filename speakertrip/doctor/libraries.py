"""The libraries: does each load, do torch and torchaudio belong together, and which extras are there?"""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

import speakertrip
from speakertrip.doctor.check import INTERNAL, Check

PYTHONS = ((3, 10), (3, 14))  # from, and below
# By the module that has them; numpy first, which most of the others need, and speechbrain after torch.
LIBRARIES = {
    "numpy": "numpy", "scipy": "scipy", "soundfile": "soundfile", "soxr": "soxr", "pydantic": "pydantic",
    "safetensors": "safetensors", "filelock": "filelock", "tqdm": "tqdm",
}  # fmt: skip
AFTER_TORCH = {"speechbrain": "speakertrip.encoders.speechbrain_layers"}
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+).*\bextra\s*==\s*['\"](?P<extra>[\w.-]+)['\"]")
NOT_OFFERED = ("dev",)


def check_python() -> list[Check]:
    """Check the versions of Python and of this package, and where it is."""
    version, place = platform.python_version(), Path(speakertrip.__file__).parent
    ours = Check("speakertrip", "ok", f"{speakertrip.__version__} in {place}")
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return [Check("Python", "ok", version), ours]
    least, beyond = (".".join(map(str, each)) for each in PYTHONS)
    return [Check("Python", "warning", version, f"Take one from {least} to below {beyond}."), ours]


def check_libraries() -> list[Check]:
    """Load each library that needs no torch."""
    return [_load(name, module) for name, module in LIBRARIES.items()]


def check_after_torch() -> list[Check]:
    """Load each library that loads torch."""
    return [_load(name, module) for name, module in AFTER_TORCH.items()]


def check_torch() -> list[Check]:
    """Load torch and torchaudio, and check that they belong together."""
    torch, torchaudio = _load("torch", "torch"), _load("torchaudio", "torchaudio")
    versions = {check.name: _version(check.name) for check in (torch, torchaudio)}
    if torch.status == "ok" and (torchaudio.status != "ok" or not match(*versions.values())):
        release = re.split(r"[+]", versions["torch"])[0]
        advice = (
            f"Install the torchaudio of torch {versions['torch']} from where that came: "
            f"pip install torchaudio=={release}."
        )
        found = (
            torchaudio.found if torchaudio.status != "ok" else f"{versions['torchaudio']} is of another torch"
        )
        torchaudio = Check("torchaudio", "failed", found, advice, INTERNAL)
    return [torch, torchaudio]


def match(torch: str, torchaudio: str) -> bool:
    """Tell whether two versions are a pair: of one release and, as far as both say it, of one build.

    >>> match("2.11.0+cu130", "2.11.0+cu130"), match("2.11.0+cu130", "2.11.0+cpu"), match("2.9.1", "2.8.0")
    (True, False, False)
    """
    (release, _, build), (other, _, other_build) = torch.partition("+"), torchaudio.partition("+")
    same_release = release.split(".")[:2] == other.split(".")[:2]
    return same_release and (not build or not other_build or build == other_build)


def check_extras() -> list[Check]:
    """Say which extras are installed; none of them is needed by everybody."""
    try:
        lines = metadata.requires("speakertrip") or []
    except metadata.PackageNotFoundError:
        return [
            Check(
                "extras",
                "warning",
                "speakertrip runs from a checkout that is not installed",
                "pip install -e .",
            )
        ]
    return [_extra(name, libraries) for name, libraries in _extras(lines).items()]


def _extras(lines: list[str]) -> dict[str, list[str]]:
    extras: dict[str, list[str]] = {}
    for line in lines:
        found = REQUIREMENT.match(line)
        if found and found["extra"] not in NOT_OFFERED:
            extras.setdefault(found["extra"], []).append(found["name"])
    return dict(sorted(extras.items()))


def _extra(name: str, libraries: list[str]) -> Check:
    versions = {library: _version(library) for library in libraries}
    missing = [library for library, version in versions.items() if not version]
    if missing:
        words = f"not installed ({', '.join(missing)}); if you need it: pip install 'speakertrip[{name}]'"
        return Check(f"extra {name}", "ok", words)
    return Check(f"extra {name}", "ok", ", ".join(f"{each} {version}" for each, version in versions.items()))


def _load(name: str, module: str) -> Check:
    try:
        loaded = import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a broken library does
        advice = f"pip install --force-reinstall {name}"
        return Check.failed(name, ImportError(f"it cannot be loaded ({error})"), advice)
    return Check(name, "ok", ", ".join(_versions(name, loaded.__dict__)))


def _versions(name: str, loaded: dict[str, object]) -> Iterator[str]:
    yield _version(name) or str(loaded.get("__version__", "of unknown version"))
    if inner := loaded.get("__libsndfile_version__"):
        yield f"libsndfile {inner}"


def _version(library: str) -> str:
    """Return the version of a library as it is installed, with its build; empty: it is not."""
    loaded = getattr(sys.modules.get(library), "__version__", None)
    if isinstance(loaded, str) and "+" in loaded:
        return loaded
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return loaded if isinstance(loaded, str) else ""
