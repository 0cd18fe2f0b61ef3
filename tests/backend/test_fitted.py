import numpy as np
import pytest

from speakertrip.backend import FittedOn
from speakertrip.backend.fitted import KEPT
from speakertrip.manifests import Trials


def chain(ids):
    """Trials of each id with the next."""
    return Trials.of(ids[:-1], ids[1:], np.arange(len(ids) - 1) % 2 == 0)


@pytest.mark.parametrize("count", [100, 10 * KEPT])
def test_a_list_is_known_by_its_utterances_whatever_its_pairs(count):
    ids = [f"spk/{number}.wav" for number in range(count)]
    seen = FittedOn.of(chain(ids), "list")
    assert (seen.trials, seen.complete) == (count - 1, count <= KEPT)
    assert len(seen.ids) == min(count, KEPT)
    assert seen.overlaps(chain(ids[::-1]))
    assert seen.overlaps(chain([*ids, "one/more.wav"]))
    assert seen.overlaps(chain(ids[1:]))
    assert seen.overlaps(chain(ids[: count // 2]))
    assert seen.overlaps(chain([*ids, *(f"new/{number}.wav" for number in range(count * 2 // 3))]))
    assert not seen.overlaps(chain([*ids[: count // 20], *(f"new/{number}.wav" for number in range(count))]))
    assert not seen.overlaps(chain([f"new/{number}.wav" for number in range(count)]))


def test_it_survives_json():
    seen = FittedOn.of(chain(["a", "b", "c"]), "list")
    assert FittedOn.model_validate_json(seen.model_dump_json()) == seen
