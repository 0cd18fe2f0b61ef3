"""Speaker profiles as a file: one JSON object a line, with everything that the store keeps."""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import numpy as np
from pydantic import Base64Bytes, Field, ValidationError

from speakertrip.config import Frozen
from speakertrip.config.frozen import Probability
from speakertrip.enrollment.profiles.profile import Enrollment, Profile, are_vectors, check_name
from speakertrip.errors import DataError, StorageError, UsageError
from speakertrip.manifests.lines import FilePath, read_lines, replacing
from speakertrip.manifests.objects import parse_object

WHAT = "file of speakers"


class _Enrollment(Frozen):
    embedding: Base64Bytes  # float32, little-endian
    path: str
    sha256: str
    seconds: float = Field(ge=0)
    speech_seconds: float | None = Field(ge=0)
    snr_db: float | None
    clipped: Probability | None
    created: str | None


class _Profile(Frozen):
    name: str
    identifier: str = Field(pattern="^[0-9a-f]{32}$")
    model: str
    created: str
    enrollments: tuple[_Enrollment, ...] = Field(min_length=1)


def write_profiles(path: FilePath, profiles: Iterable[Profile]) -> int:
    """Write profiles, and return how many; the file is readable by its owner alone. Nothing is overwritten.

    Raises:
        StorageError: it is there already, or cannot be written.
    """
    if os.path.isfile(path):  # noqa: PTH113 (false, too, of what is no path)
        raise StorageError(f"{path} is there already, and is not overwritten; name another file.")
    count = 0
    with replacing(path) as temporary:
        # Made here, so that it is private from its first byte.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            for profile in profiles:
                file.write(_to_line(profile))
                count += 1
    return count


def read_profiles(path: FilePath) -> Iterator[Profile]:
    """Yield the profiles of a file that ``write_profiles`` wrote.

    Raises:
        DataError: the file is missing, or a line is no profile: with its number.
    """
    for number, text in read_lines(path, WHAT):
        try:
            yield _from_line(text)
        except (ValueError, UsageError) as error:  # pydantic's error is a ValueError
            reason = _first_problem(error) if isinstance(error, ValidationError) else str(error).rstrip(".")
            raise DataError(f"{path}, line {number}: no speaker profile: {reason}.") from None


def _to_line(profile: Profile) -> str:
    row = asdict(profile)
    del row["score_offset"]
    for entry, each in zip(row["enrollments"], profile.enrollments, strict=True):
        entry["embedding"] = base64.b64encode(each.embedding.astype("<f4").tobytes()).decode()
    return json.dumps(row) + "\n"


def _from_line(text: str) -> Profile:
    row = _Profile.model_validate(parse_object(text))
    enrollments = []
    for each in row.enrollments:
        facts = each.model_dump(exclude={"embedding"})
        enrollments.append(Enrollment(np.frombuffer(each.embedding, "<f4"), **facts))
    profile = Profile(check_name(row.name), row.model, tuple(enrollments), row.identifier, row.created)
    if not are_vectors(profile.embeddings):
        raise ValueError("its embeddings are no finite numbers, or all 0, or too large to compare")
    return profile


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg'].lower()}"
