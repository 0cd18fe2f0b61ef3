"""Which runs of a question are missing."""

from benchmarks.on_speech import Question, wanted

QUESTION = Question("resnet.toml", "", dict.fromkeys("abcd", ((),)), seeds=(1, 2), short=3, long=9)


def short_runs(rates):
    return [
        {"method": method, "seed": seed, "steps": 3}
        | ({"diverged": "it did"} if rate is None else {"validation_eer": rate})
        for method, of_seeds in rates.items()
        for seed, rate in enumerate(of_seeds, start=1)
    ]


def test_what_diverged_with_any_seed_is_not_among_the_best():
    runs = short_runs({"a": (0.01, None), "b": (0.3, 0.2), "c": (0.2, 0.2), "d": (0.4, 0.5)})
    assert list(wanted(QUESTION, runs, True, [])) == [("c", 1, 9), ("b", 1, 9), ("d", 1, 9)]


def test_every_method_once_before_any_twice():
    runs = short_runs({"a": (0.2,), "b": (None,)})
    rest = [("c", 1, 3), ("d", 1, 3), *((method, 2, 3) for method in "abcd")]
    assert list(wanted(QUESTION, runs, False, [])) == rest
