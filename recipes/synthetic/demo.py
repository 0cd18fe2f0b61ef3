"""The whole way in a few minutes: a synthetic corpus, a tiny encoder, an error rate, an acceptance, a rejection.

Each command is printed before it runs, so that it can be repeated by hand. The voices are artificial: this shows
that the pieces fit together, and says nothing about the error rate on real speech.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

DATA = "data/synthetic"
RUN = "runs/demo"
ACCEPTED, REJECTED = 0, 1


def speakertrip(arguments: str, expect: int = 0) -> None:
    """Print and run a command; stop the demo if it ends otherwise than expected."""
    print(f"\n$ speakertrip {arguments}", flush=True)
    code = subprocess.run(
        [sys.executable, "-m", "speakertrip", *shlex.split(arguments)], check=False
    ).returncode
    print(f"(exit code {code})", flush=True)
    if code != expect:
        sys.exit(f"The demo expected exit code {expect}.")


def main() -> None:
    """Run the demo from the root of the repository."""
    os.chdir(Path(__file__).parents[2])
    shutil.rmtree(RUN, ignore_errors=True)
    os.environ["SPEAKERTRIP_MODEL"] = f"{RUN}/bundle"
    os.environ["SPEAKERTRIP_STORE"] = f"{RUN}/speakers.sqlite"
    voice = f"{DATA}/wav/test/test-001"
    other = f"{DATA}/wav/test/test-002"

    speakertrip(f"manifest synthetic {DATA}")
    speakertrip(f"train recipes/synthetic/ecapa-tiny.toml --data {DATA} --out {RUN}")
    speakertrip(f"evaluate --trials {DATA}/trials.test.txt --manifest {DATA}/manifest.test.jsonl")
    speakertrip(f"enroll test-001 {voice}/session-0/utterance-0.wav {voice}/session-0/utterance-1.wav")
    speakertrip(f"verify test-001 {voice}/session-1/utterance-0.wav", expect=ACCEPTED)
    speakertrip(f"verify test-001 {other}/session-1/utterance-0.wav", expect=REJECTED)


if __name__ == "__main__":
    main()
