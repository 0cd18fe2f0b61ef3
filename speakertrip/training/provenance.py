"""What made a run: ``run.json``, with one entry for the start and one for each time that it went on."""

import json
import os
import platform
import subprocess
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import speakertrip
from speakertrip.errors import SpeakertripWarning
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import write_lines

FILE = "run.json"
SECONDS = 10.0  # that git may take: a checkout may lie on a slow disk
SHORT = 12  # digits of a commit that is shown


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a manifest: how many utterances, and of how many speakers."""

    utterances: int
    speakers: int

    @classmethod
    def of(cls, utterances: Sequence[Utterance]) -> "Part":
        """Count utterances and their speakers."""
        return cls(len(utterances), len({utterance.speaker for utterance in utterances}))


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made the steps of a run from one start on; the options are in ``config.json``.

    Attributes:
        step: steps that had been done by then: 0 for the first start.
        began: when, as ISO 8601 in UTC.
        version: of this package.
        commit: of the checkout that the package was run from; None where it was run from none.
        changed: whether tracked files of that checkout differed from the commit.
        seed: of the run; every draw follows from it and from the step.
        manifest: path of the training manifest.
        sha256: its hash, hexadecimal.
        training: what of it is trained on.
        validation: what of it is held out.
        device: as torch names it.
        processes: that share each batch.
        init: what the first weights of the run were taken from; empty where they were drawn.
        python: its version.
        torch: its version.
        torchaudio: its version.
        platform: system and processor.
    """

    step: int
    began: str
    version: str
    commit: str | None
    changed: bool
    seed: int
    manifest: str
    sha256: str
    training: Part
    validation: Part
    device: str
    processes: int
    init: str
    python: str
    torch: str
    torchaudio: str
    platform: str

    @property
    def made_by(self) -> str:
        """The package and its version, with the commit where it is known."""
        if self.commit is None:
            return f"speakertrip {self.version}"
        return f"speakertrip {self.version} (commit {self.commit[:SHORT]}{', changed' * self.changed})"

    def append_to(self, folder: Path) -> None:
        """Add an entry to ``run.json``; one that cannot be read is kept beside it, and begun anew.

        Raises:
            StorageError: it cannot be written.

        Warns:
            SpeakertripWarning: it cannot be read.
        """
        path = folder / FILE
        starts: list[Any] = []
        try:
            starts = list(json.loads(path.read_bytes())["starts"]) if self.step else []
        except FileNotFoundError:  # of a run from before there was this file
            pass
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            kept = path.with_name(f"{FILE}.damaged")
            with suppress(OSError):
                path.replace(kept)
            text = f"{path} cannot be read: it is kept as {kept.name}, and its list of starts begins anew."
            warnings.warn(text, SpeakertripWarning, stacklevel=3)
        entries: dict[str, Any] = {"starts": [*starts, asdict(self)]}
        write_lines(path, [json.dumps(entries, indent=2)])


def provenance(
    step: int,
    seed: int,
    manifest: Path,
    sha256: str,
    kept: Sequence[Utterance],
    held: Sequence[Utterance],
    device: torch.device,
    processes: int,
    init: str,
) -> Provenance:
    """Look up what is about to make the steps after ``step``; see ``Provenance``.

    Args:
        step: steps done.
        seed: of the run.
        manifest: that is trained on.
        sha256: of the manifest.
        kept: its utterances in training.
        held: its utterances held out for validation.
        device: of this process.
        processes: that share each batch.
        init: what its first weights were taken from.
    """
    commit, changed = _own_checkout()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return Provenance(
        step=step,
        began=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        version=speakertrip.__version__,
        commit=commit,
        changed=changed,
        seed=seed,
        manifest=str(manifest),
        sha256=sha256,
        training=Part.of(kept),
        validation=Part.of(held),
        device=name,
        processes=processes,
        init=init,
        python=platform.python_version(),
        torch=str(torch.__version__),
        torchaudio=metadata.version("torchaudio"),
        platform=f"{platform.system()} {platform.machine()}",
    )


@cache  # what was imported stays, whatever becomes of the checkout meanwhile
def _own_checkout() -> tuple[str | None, bool]:
    return checkout_of(Path(speakertrip.__file__).parent)


def checkout_of(package: Path) -> tuple[str | None, bool]:
    """Return the commit of the git checkout whose top holds a package, and whether tracked files differ from it.

    ``(None, False)`` where there is no such checkout, no commit in it, or no git. An installed package may lie
    somewhere below the checkout of another project, whose commit would say nothing of it.
    """
    top = package.resolve().parent
    if not (top / ".git").exists():
        return None, False
    commit = _git(top, "rev-parse", "HEAD")
    changes = _git(top, "status", "--porcelain", "--untracked-files=no")
    return (commit, bool(changes)) if commit else (None, False)


def _git(top: Path, *words: str) -> str | None:
    # Variables of a hook that git runs, as GIT_DIR, would name another checkout.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", os.fspath(top), *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env=environment,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
