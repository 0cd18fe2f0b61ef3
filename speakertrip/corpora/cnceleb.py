"""CN-Celeb 1 and 2: Chinese celebrities in eleven genres, with enrollment of several utterances; 16 kHz FLAC.

Li et al.: CN-Celeb: Multi-genre speaker recognition (2022).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from speakertrip.corpora.folder import Progress, Skip, find_audio, read_headers
from speakertrip.corpora.layout import find_root, index_by_stem, require_splits
from speakertrip.errors import DataError
from speakertrip.manifests import Trials, Utterance, read_enrollment_map, read_trials
from speakertrip.manifests.lines import FilePath, read_lines

SPLITS = ("dev", "eval", "cnceleb2")
FOLDERS1, FOLDERS2 = ("CN-Celeb_flac", "CN-Celeb_wav"), ("CN-Celeb2_flac", "CN-Celeb2_wav")
TRIALS, SEVERAL, JOINED = "eval/lists/trials.lst", "eval/lists/enroll.map", "eval/lists/enroll.lst"


def build_cnceleb(
    root: FilePath, splits: Sequence[str], progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Build the manifest of CN-Celeb.

    Args:
        root: holds ``data``, ``dev`` and ``eval`` (CN-Celeb1) or ``data`` and ``spk.lst`` (CN-Celeb2), directly or
            below ``CN-Celeb_flac`` and ``CN-Celeb2_flac``.
        splits: "dev": the speakers of CN-Celeb1 to train on; "eval": the tests, and the utterances that enroll;
            "cnceleb2": all of CN-Celeb2, also to train on.
        progress: called with (files done, files in all).
        skip: as of ``folder.read_headers``.

    Returns:
        Utterances, sorted by id. The id is the path below ``data`` (``id00010/singing-01-001.flac``) or, of tests
        and joined enrollments, below ``eval``; the session is the genre with the number of the recording
        (``singing-01``); the genre is also the key ``genre``.

    Raises:
        UsageError: there is no such split.
        DataError: the folder is not CN-Celeb, or a file is there twice.
        AudioError: as ``folder.read_headers``.
    """
    require_splits("CN-Celeb", splits, SPLITS)
    files: dict[str, Path] = {}
    if "dev" in splits:
        corpus = find_root("CN-Celeb1", root, ["data", "dev/dev.lst"], FOLDERS1)
        files |= _find_speakers(corpus, _read_names(corpus / "dev/dev.lst"))
    if "cnceleb2" in splits:
        corpus = find_root("CN-Celeb2", root, ["data", "spk.lst"], FOLDERS2)
        files |= _find_speakers(corpus, _read_names(corpus / "spk.lst"))
    if "eval" in splits:
        files |= _find_eval(find_root("CN-Celeb1", root, ["data", TRIALS], FOLDERS1))
    return read_headers((_utterance(id_, path) for id_, path in files.items()), progress, skip)


def read_cnceleb_trials(root: FilePath, joined: bool = False) -> tuple[Trials, dict[str, list[str]]]:
    """Read the trial list of CN-Celeb1 and its enrollment, with the ids of the manifest of the split "eval".

    Args:
        root: as for ``build_cnceleb``.
        joined: enroll from one file of all a speaker's enrollment (enroll.lst), not from each of several
            utterances (enroll.map).

    Returns:
        ``(trials, models)``: the models' utterances by the name that stands on the trials' enrollment side.

    Raises:
        DataError: the folder is not CN-Celeb1, or a list is malformed or names what is not there.
    """
    corpus = find_root("CN-Celeb1", root, ["data", TRIALS], FOLDERS1)
    enrollment = JOINED if joined else SEVERAL
    ids = index_by_stem(_find_eval(corpus), "CN-Celeb1")
    models = {
        model: [_present(ids, name, corpus / enrollment) for name in names]
        for model, names in read_enrollment_map(corpus / enrollment).items()
    }
    trials = read_trials(corpus / TRIALS)
    for row in np.unique(trials.first).tolist():
        if (model := trials.ids[row]) not in models:
            raise DataError(f"{corpus / TRIALS} names the model {model}, which {enrollment} does not have.")
    names = [id_ if id_ in models else _present(ids, id_, corpus / TRIALS) for id_ in trials.ids]
    return replace(trials, ids=names), models


def _find_speakers(corpus: Path, speakers: Iterable[str]) -> dict[str, Path]:
    files = find_audio(corpus / "data", frozenset(speakers).__contains__)
    if not files:
        raise DataError(f"{corpus / 'data'} holds no audio of the speakers it should, such as id00000.")
    index_by_stem(files, "CN-Celeb")
    return files


def _find_eval(corpus: Path) -> dict[str, Path]:
    """Return the tests, the joined enrollments, and the utterances of ``data`` that enroll."""
    files = find_audio(corpus / "eval", ("test", "enroll").__contains__)
    models = read_enrollment_map(corpus / SEVERAL) if (corpus / SEVERAL).exists() else {}
    wanted = {name.rpartition(".")[0] for names in models.values() for name in names}
    speakers = {name.partition("/")[0] for name in wanted}
    data = find_audio(corpus / "data", speakers.__contains__) if models else {}
    return files | {id_: path for id_, path in data.items() if id_.rpartition(".")[0] in wanted}


def _present(ids: dict[str, str], name: str, path: Path) -> str:
    """Return the id of a file that a list names, perhaps with the extension of another release."""
    stem = name.rpartition(".")[0]
    if stem not in ids:
        raise DataError(f"{path} names {name}, which is not in the corpus.")
    return ids[stem]


def _read_names(path: Path) -> list[str]:
    return [text.strip() for _, text in read_lines(path, "list of speakers")]


def _utterance(id_: str, path: Path) -> Utterance:
    """Read ``id00010/singing-01-001`` or ``test/id00800-singing-01-001``."""
    folder, _, name = id_.rpartition(".")[0].partition("/")
    speaker, recording = name.partition("-")[::2] if folder in ("test", "enroll") else (folder, name)
    genre, number = (recording.split("-") + [""] * 3)[:2]
    if not number:  # a joined enrollment is of several sessions
        return Utterance(id_, path, speaker, language="zh")
    return Utterance(id_, path, speaker, f"{genre}-{number}", language="zh", extra={"genre": genre})
