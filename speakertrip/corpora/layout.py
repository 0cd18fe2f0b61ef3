"""What the corpora have in common: splits by name, a folder to be recognised, tables of speakers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from speakertrip.errors import DataError, UsageError
from speakertrip.manifests.lines import FilePath, is_listable, read_lines

SEXES = {"m": "m", "male": "m", "male_masculine": "m", "f": "f", "female": "f", "female_feminine": "f"}


def require_splits(corpus: str, splits: Collection[str], known: Sequence[str]) -> None:
    """Check the names of splits.

    Raises:
        UsageError: none is named, or the corpus has no such split.
    """
    for split in splits:
        if split not in known:
            raise UsageError(f"{corpus} has no split {split!r}; take one of {', '.join(known)}.")
    if not splits:
        raise UsageError(f"Name one or more splits of {corpus}: {', '.join(known)}.")


def find_root(corpus: str, root: FilePath, holds: Sequence[str], below: Sequence[str] = ()) -> Path:
    """Return the folder that holds a corpus: ``root`` itself, or one that its archive unpacks to.

    Args:
        corpus: its name, for messages.
        root: the folder that was named.
        holds: files or folders that must be there.
        below: names of folders in ``root`` that may be the one instead.

    Raises:
        DataError: none of them holds all that.
    """
    for place in (Path(root), *(Path(root) / name for name in below)):
        if all((place / name).exists() for name in holds):
            return place
    inside = f" or in its {' or '.join(below)}" if below else ""
    raise DataError(f"{root} is not {corpus}: expected {' and '.join(holds)} in it{inside}.")


def read_pairs(path: Path, what: str) -> Iterator[tuple[int, str, str]]:
    """Yield ``(line number, key, value)`` of each line ``key value`` of a Kaldi table; the value may hold spaces.

    Raises:
        DataError: the file cannot be read, or a line has no value.
    """
    for number, text in read_lines(path, what):
        key, *value = text.split(maxsplit=1)
        if not value:
            raise DataError(f"{path}, line {number}: expected 'key value', found {text!r}.")
        yield number, key, value[0].strip()


def require_listable(id_: str, path: FilePath, number: int) -> str:
    """Return the id that a corpus's own list states.

    Raises:
        DataError: it cannot stand in a trial list, or leads out of the corpus.
    """
    if not is_listable(id_) or id_.startswith("/") or ".." in id_.split("/"):
        raise DataError(f"{path}, line {number}: {id_!r} is no file below the corpus's folder.")
    return id_


def index_by_stem(files: Mapping[str, Path], corpus: str) -> dict[str, str]:
    """Return the ids by themselves without extension, as published lists name files that were converted since.

    Raises:
        DataError: a file is there twice, as FLAC and as WAV for example.
    """
    ids: dict[str, str] = {}
    for id_, path in files.items():
        twin = ids.setdefault(id_.rpartition(".")[0], id_)
        if twin != id_:
            raise DataError(f"{files[twin]} and {path} are the same utterance of {corpus}; keep one of them.")
    return ids
