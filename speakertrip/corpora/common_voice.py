"""Common Voice: sentences read by volunteers in many languages; MP3.

Ardila et al.: Common Voice: A massively-multilingual speech corpus (2020).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from speakertrip.corpora.folder import Progress, Skip, read_headers
from speakertrip.corpora.layout import SEXES, require_listable, require_splits
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, read_lines

SPLITS = ("train", "dev", "test", "validated", "other", "invalidated")
SHORTEST = 16  # characters of a client id: 64 bits of its 512, so that two of a million speakers never meet


def build_common_voice(
    root: FilePath, splits: Sequence[str], progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Build the manifest of one or more languages of Common Voice.

    Args:
        root: holds ``clips`` and ``<split>.tsv``, or folders that do, one for each language.
        splits: of ``SPLITS``, one or more; "validated" holds train, dev and test.
        progress: called with (files done, files in all).
        skip: as of ``folder.read_headers``.

    Returns:
        Utterances, sorted by id. The id is ``<folder of the language>/clips/<file>``; the speaker is the client
        id, shortened to its first 16 characters, or to more where two would be the same; sessions are not known.
        The age, as a decade in words, is the key ``age``.

    Raises:
        UsageError: there is no such split.
        DataError: the folder is not Common Voice, lacks a split, or a table is malformed.
        AudioError: as ``folder.read_headers``.
    """
    require_splits("Common Voice", splits, SPLITS)
    rows: dict[str, Utterance] = {}
    for folder in _find_languages(Path(root), splits):
        for split in splits:
            for row in _read_table(folder, split):
                if rows.setdefault(row.id, row).speaker != row.speaker:
                    raise DataError(
                        f"{folder}: the clip {row.path.name} is of two client ids; unpack it anew."
                    )
    names = shorten_names({row.speaker for row in rows.values()})
    return read_headers((replace(row, speaker=names[row.speaker]) for row in rows.values()), progress, skip)


def shorten_names(names: Iterable[str]) -> dict[str, str]:
    """Shorten names to the fewest characters, 16 or more, at which all are still distinct.

    >>> shorten_names(["0123456789abcdefgh", "0123456789abcdefij"])
    {'0123456789abcdefgh': '0123456789abcdefg', '0123456789abcdefij': '0123456789abcdefi'}
    """
    distinct = sorted(set(names))
    length = SHORTEST
    while len({name[:length] for name in distinct}) < len(distinct):
        length += 1
    return {name: name[:length] for name in distinct}


def _find_languages(root: Path, splits: Sequence[str]) -> list[Path]:
    needed = ["clips", *(f"{split}.tsv" for split in splits)]
    places = [root, *sorted(path for path in root.iterdir() if path.is_dir())] if root.is_dir() else []
    found = [place for place in places if (place / "clips").is_dir()]
    for place in found:
        for name in needed:
            if not (place / name).exists():
                raise DataError(f"{place} has no {name}; name splits that it has, or unpack it anew.")
    if not found:
        raise DataError(
            f"{root} is not Common Voice: expected {' and '.join(needed)} in it, or in a folder for each language."
        )
    return found


def _read_table(folder: Path, split: str) -> Iterator[Utterance]:
    path = folder / f"{split}.tsv"
    language = folder.absolute().name
    columns: list[str] = []
    for number, text in read_lines(path, "table of clips"):
        fields = text.split("\t")  # quotes mean nothing here
        if not columns:
            columns = fields
            for name in ("client_id", "path"):
                if name not in columns:
                    raise DataError(f"{path}, line {number}: expected a column {name!r}, found {text!r}.")
            continue
        if len(fields) != len(columns):
            raise DataError(f"{path}, line {number}: expected {len(columns)} columns, found {len(fields)}.")
        row = dict(zip(columns, fields, strict=True))
        clip = row["path"] if Path(row["path"]).suffix else f"{row['path']}.mp3"  # as releases 1 to 3 have it
        if not row["client_id"] or "/" in clip:
            raise DataError(
                f"{path}, line {number}: expected a client id and a file in clips, found {text!r}."
            )
        yield Utterance(
            require_listable(f"{language}/clips/{clip}", path, number),
            folder / "clips" / clip,
            row["client_id"],
            language=row.get("locale") or language,
            sex=SEXES.get(row.get("gender", "").lower()),
            extra={"age": row["age"]} if row.get("age") else {},
        )
