import runpy
import sys
from pathlib import Path

import pytest

from speakertrip.manifests import Utterance, read_manifest, read_trials, write_manifest

SCRIPT = Path(__file__).parents[2] / "recipes" / "openspeech" / "held_out.py"


@pytest.fixture
def corpus(tmp_path):
    """Twelve speakers of four utterances each."""
    utterances = [
        Utterance(
            f"s{speaker}/{n}.wav", tmp_path / f"s{speaker}" / f"{n}.wav", f"s{speaker}", extra={"corpus": "c"}
        )
        for speaker in range(12)
        for n in range(4)
    ]
    write_manifest(tmp_path / "manifest.train.jsonl", utterances)
    return tmp_path


def test_it_holds_out_what_the_recipe_says(corpus, monkeypatch):
    """Not what a recipe that says nothing of it would."""
    main = runpy.run_path(str(SCRIPT))["main"]
    recipe = corpus / "recipe.toml"
    recipe.write_text("[validation]\nspeakers = 3\nutterances = 2\ntargets = 2\nnontargets = 5\n")
    monkeypatch.setitem(main.__globals__, "RECIPE", recipe)
    out = corpus / "out"
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--data", str(corpus), "--out", str(out)])
    main()
    held, trials = read_manifest(out / "held.jsonl"), read_trials(out / "held.txt")
    assert (len({u.speaker for u in held}), len(held)) == (3, 6)
    assert (trials.targets.sum(), len(trials)) == (2, 7)
    assert len({u.speaker for u in read_manifest(out / "kept.jsonl")}) == 9
