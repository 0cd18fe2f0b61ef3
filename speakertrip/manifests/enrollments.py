"""Enrollment maps: which utterances make a model."""

from collections.abc import Mapping, Sequence

from speakertrip.errors import DataError
from speakertrip.manifests.lines import FilePath, read_lines, split_fields, write_lines
from speakertrip.manifests.trials import separator


def read_enrollment_map(path: FilePath) -> dict[str, list[str]]:
    """Read an enrollment map: ``model utterance [utterance ...]`` a line.

    Returns:
        The ids of each model's utterances, in file order.

    Raises:
        DataError: the file cannot be read, a model has no utterance, or a model comes twice, or an utterance comes
            twice in a model.
    """
    models: dict[str, list[str]] = {}
    seen: dict[str, int] = {}
    for number, text in read_lines(path, "enrollment map"):
        model, *utterances = split_fields(text)
        if not model or not utterances or not all(utterances):
            raise DataError(
                f"{path}, line {number}: expected 'model utterance [utterance ...]', found {text!r}."
            )
        if model in models:
            raise DataError(f"{path}, line {number}: the model {model!r} is already on line {seen[model]}.")
        if len(set(utterances)) < len(utterances):
            twice = next(id_ for place, id_ in enumerate(utterances) if id_ in utterances[:place])
            raise DataError(f"{path}, line {number}: the model {model!r} names {twice!r} twice.")
        models[model] = utterances
        seen[model] = number
    if not models:
        raise DataError(f"{path}: this enrollment map holds no model.")
    return models


def write_enrollment_map(path: FilePath, models: Mapping[str, Sequence[str]]) -> None:
    """Write an enrollment map, separated by tabs where an id holds a space.

    Raises:
        DataError: an id cannot stand in a list.
        StorageError: the file cannot be written.
    """
    sep = separator(list(models), *models.values())
    write_lines(path, (sep.join([model, *ids]) for model, ids in models.items()))
