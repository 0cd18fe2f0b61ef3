"""Write a Kaldi data folder: wav.scp, utt2spk, spk2utt, utt2dur, reco2dur, and where they apply segments and others.

Fields stand apart by white space, so ids hold none. Files are sorted in C order, and by speaker at the same time:
each id begins with its speaker's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from speakertrip.audio import AudioHeader
from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.kaldi import ARCHIVE
from speakertrip.corpora.interchange.positions import keep_time, locate, read_headers, stated_duration
from speakertrip.corpora.interchange.rows import name_rest
from speakertrip.errors import DataError, StorageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, write_lines

Files = dict[str, dict[str, str]]  # by name of the file, the lines: the rest by the first field

OPTIONAL = ("segments", "utt2lang", "spk2gender")


def write(utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None) -> list[str]:
    """Write a data folder with absolute paths; ``segments`` where an utterance is not the whole of its file.

    Utterances whose id does not begin with their speaker get it as a prefix. An older file of an optional kind that
    is not written this time is removed.

    Returns:
        What is changed or left out, in sentences.

    Raises:
        DataError: an id or a speaker holds white space, two ids would be one, the speakers cannot be sorted as Kaldi
            asks, a path means something else to Kaldi, or an utterance holds no samples.
        AudioError: the header of an audio file cannot be read.
        StorageError: the folder cannot be written.
    """
    named = _rename(utterances)
    headers = read_headers((utterance.path for utterance in named.values()), progress)
    files = _place(named, headers) | _label(named)
    for name in OPTIONAL:
        if name not in files:
            _remove(Path(target) / name)
    for name, values in files.items():
        write_lines(Path(target) / name, (f"{key} {value}" for key, value in values.items()))
    return _notes(named, files)


def _rename(utterances: Sequence[Utterance]) -> dict[str, Utterance]:
    """Return the utterances by their ids in Kaldi, sorted, and so every file that is made of them."""
    named: dict[str, Utterance] = {}
    for utterance in utterances:
        id_, speaker = utterance.id, utterance.speaker
        for what, value in (("id", id_), ("speaker", speaker)):
            if not _is_field(value):
                raise DataError(
                    f"The {what} {value!r} holds white space, which Kaldi's files cannot; rename it."
                )
        name = id_ if id_.startswith(speaker) else f"{speaker}-{id_}"
        if name in named:
            raise DataError(
                f"The ids {named[name].id!r} and {id_!r} would both be {name!r} in Kaldi; rename one."
            )
        named[name] = utterance
    named = dict(sorted(named.items()))
    before = ""
    for name, utterance in named.items():
        if utterance.speaker < before:
            raise DataError(
                f"Kaldi needs utterances and speakers in one order, but {name!r} of {utterance.speaker!r} comes after "
                f"those of {before!r}; rename one of the speakers, so that neither begins with the other."
            )
        before = utterance.speaker
    return named


def _place(named: Mapping[str, Utterance], headers: Mapping[Path, AudioHeader]) -> Files:
    """Say which samples of which files the utterances are."""
    stretches = {name: locate(each, headers[each.path]) for name, each in named.items()}
    durations = {name: repr(stated_duration(each, stretches[name])) for name, each in named.items()}
    if all(stretch.whole for stretch in stretches.values()):
        paths = {name: utterance.path for name, utterance in named.items()}
        return {
            "wav.scp": {k: _audio(p) for k, p in paths.items()},
            "utt2dur": durations,
            "reco2dur": durations,
        }
    recordings: dict[Path, str] = {}  # each goes by its first utterance
    segments = {}
    for name, utterance in named.items():
        recording = recordings.setdefault(utterance.path, name)
        start = keep_time(utterance.start, stretches[name].rate)
        segments[name] = f"{recording} {start!r} {stretches[name].end!r}"
    return {
        "wav.scp": {name: _audio(path) for path, name in recordings.items()},
        "segments": segments,
        "utt2dur": durations,
        "reco2dur": {name: repr(headers[path].duration) for path, name in recordings.items()},
    }


def _label(named: Mapping[str, Utterance]) -> Files:
    """Say who speaks, and what else is known of all."""
    files: Files = {"utt2spk": {name: utterance.speaker for name, utterance in named.items()}}
    speakers: dict[str, list[str]] = {}
    sexes: dict[str, set[str | None]] = {}
    for name, utterance in named.items():
        speakers.setdefault(utterance.speaker, []).append(name)
        sexes.setdefault(utterance.speaker, set()).add(utterance.sex)
    files["spk2utt"] = {speaker: " ".join(names) for speaker, names in speakers.items()}
    languages = {name: utterance.language or "" for name, utterance in named.items()}
    if all(map(_is_field, languages.values())):
        files["utt2lang"] = languages
    if all(each in ({"m"}, {"f"}) for each in sexes.values()):  # what Kaldi's validation asks for
        files["spk2gender"] = {speaker: str(*each) for speaker, each in sexes.items()}
    return files


def _notes(named: Mapping[str, Utterance], files: Files) -> list[str]:
    notes = []
    changed = sum(name != utterance.id for name, utterance in named.items())
    if changed:
        notes.append(f"Ids that got their speaker as a prefix, as Kaldi asks: {changed:,}.")
    if "utt2lang" not in files and any(utterance.language for utterance in named.values()):
        notes.append(
            "The languages are left out: utt2lang needs one, without white space, for every utterance."
        )
    if "spk2gender" not in files and any(utterance.sex for utterance in named.values()):
        notes.append("The sexes are left out: spk2gender needs one, m or f, for every speaker.")
    return notes + name_rest("Kaldi", list(named.values()), ["language", "sex"])


def _audio(path: Path) -> str:
    audio = path.absolute().as_posix()
    if audio.endswith("|") or audio[-1].isspace() or ARCHIVE.search(audio) or "\n" in audio or "\r" in audio:
        raise DataError(
            f"The path {audio!r} ends like a command or an archive, or breaks a line of Kaldi's; rename it."
        )
    return audio


def _is_field(text: str) -> bool:
    return bool(text) and not any(character.isspace() for character in text)


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot remove {file}: {error.strerror}.") from None
