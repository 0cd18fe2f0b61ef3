import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.config import TrainConfig, TuneSpace, read_space
from speakertrip.errors import ConfigError
from speakertrip.training.tuning.space import Point, SearchSpace, place, shorten

points = st.builds(
    Point,
    margin=st.floats(0.01, 4),
    hard_share=st.floats(0.01, 1),
    speakers=st.integers(2, 500),
    utterances=st.integers(2, 50),
    lr=st.floats(1e-9, 10),
)


def of(entries):
    return TrainConfig.model_validate(entries)


@given(st.integers(2, 400), st.integers(2, 8), st.sets(st.integers(2, 16), min_size=1))
def test_batches_keep_their_size_as_nearly_as_whole_speakers_can(p, k, utterances):
    recipe = of({"batch": {"speakers": p, "utterances": k}})
    try:
        space = SearchSpace.of(recipe, TuneSpace(utterances=tuple(utterances)), available=400)
    except ConfigError:
        assert any(not 2 <= round(p * k / each) <= 400 for each in utterances)
        return
    assert set(space.speakers) == utterances
    for each, speakers in space.speakers.items():
        assert abs(speakers * each - p * k) <= each / 2


@pytest.mark.parametrize(
    ("recipe", "ranges", "available", "words"),
    [
        ({"loss": {"kind": "aam-softmax"}}, {}, 500, "aam-softmax"),
        ({}, {"utterances": [2]}, 79, "needs 80 speakers, but a batch has from 2 to 79"),
        (
            {"batch": {"speakers": 4, "utterances": 2}},
            {},
            500,
            "8 utterances of each speaker needs 1 speakers",
        ),
    ],
)
def test_what_cannot_be_tried_is_refused_in_words(recipe, ranges, available, words):
    with pytest.raises(ConfigError, match=words):
        SearchSpace.of(of(recipe), TuneSpace.model_validate(ranges), available)


@given(points)
def test_a_placed_recipe_has_the_values_and_is_otherwise_the_recipe(point):
    recipe = of({"loss": {"softplus_scale": 3.0, "memory": {"size": 9}}, "batch": {"group_by": "corpus"}})
    placed = place(recipe, point)
    assert placed.loss.margin.value == point.margin
    assert placed.loss.miner.share == point.hard_share
    assert (placed.batch.speakers, placed.batch.utterances) == (point.speakers, point.utterances)
    assert placed.optimizer.lr == point.lr
    own = {"loss": {"margin", "miner"}, "batch": {"speakers", "utterances"}, "optimizer": {"lr"}}
    assert placed.model_dump(exclude=own) == recipe.model_dump(exclude=own)
    assert TrainConfig.model_validate(placed.model_dump()) == placed


def test_the_recipe_is_a_point_only_where_it_lies_in_the_space():
    recipe = of({})
    space = SearchSpace.of(recipe, TuneSpace(), 500)
    point = space.recipe_point(recipe)
    assert place(recipe, point) == recipe
    for other in (
        {"loss": {"margin": {"kind": "linear", "start": 0.1, "end": 0.4, "steps": 9}}},
        {"loss": {"miner": {"kind": "batch-hard"}}},
        {"loss": {"miner": {"share": 0.05, "final_share": 0.02}}},
        {"loss": {"margin": 2.0}},
        {"loss": {"miner": {"share": 0.9}}},
        {"batch": {"speakers": 32, "utterances": 5}},
    ):
        assert SearchSpace.of(of(other), TuneSpace(), 500).recipe_point(of(other)) is None


def test_a_short_run_warms_up_and_validates_in_proportion():
    average = {"kind": "last", "every": 100}
    recipe = of(
        {
            "optimizer": {"steps": 950, "warmup_steps": 50},
            "validation": {"every": 190},
            "average": average,
        }
    )
    short = shorten(recipe, 60)
    assert (short.optimizer.steps, short.optimizer.warmup_steps, short.validation.every) == (60, 3, 12)
    assert short.average.every == 6
    assert shorten(recipe, 950) == recipe
    running = of({"average": {"kind": "ema"}})
    assert shorten(running, 60).average == running.average
    hurried = of({"optimizer": {"steps": 10, "warmup_steps": 9}})
    assert shorten(hurried, 1).optimizer.warmup_steps == 0
    brief = of({"optimizer": {"steps": 100}})  # with the warm-up of any run
    assert TrainConfig.model_validate(shorten(brief, 50).model_dump()).optimizer.warmup_steps == 49
    assert shorten(brief, 100) == brief
    assert shorten(recipe, 1).validation.every == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("margins = [0.1, 1]", "margins: no such option"),
        ("margin = [1, 0.1]", r"margin: must be \[lowest, highest\]"),
        ("margin = [0, 1]", "margin.0: must be greater than 0"),
        ("margin = 0.3", "margin: must be a list"),
        ("hard_share = [0.1, 2]", "hard_share.1: must be less than or equal to 1"),
        ("utterances = []", "utterances: must have at least 1"),
        ("utterances = [1, 2]", "utterances.0: must be greater than or equal to 2"),
        ("lr = [nan, 1]", "lr.0: must be"),
        ("lr = ", "is not TOML"),
    ],
)
def test_a_bad_space_is_refused_with_file_and_key(tmp_path, text, words):
    path = tmp_path / "space ü.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_space(path)
    assert str(path) in str(caught.value)
