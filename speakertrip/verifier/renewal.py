"""Enrolled speakers embedded again by another model, from the files that they were enrolled from."""

from collections.abc import Sequence
from dataclasses import replace

from speakertrip.enrollment import Enrollment, Profile
from speakertrip.enrollment.profiles.origin import Origin
from speakertrip.errors import AudioError
from speakertrip.verifier.facade import SpeakerVerifier


def outdated(verifier: SpeakerVerifier) -> list[str]:
    """Return the names of the speakers who were enrolled with another model."""
    return [each.name for each in verifier.store.summaries() if each.model != verifier.bundle.identity]


def renew(verifier: SpeakerVerifier, name: str) -> Profile | None:
    """Embed a speaker's files by the verifier's model, and put that in the place of what was enrolled.

    The speaker's identifier and all that is kept of the files stay; the old embeddings are erased.

    Returns:
        The profile; None: it is of this model already.

    Raises:
        AudioError: a file is missing, or is not what was enrolled; the speaker is left as they were.
        StoreError: the speaker is not enrolled, or was changed meanwhile.
        StorageError: the store cannot be written.
    """
    old = verifier.store.get(name)
    if old.model == verifier.bundle.identity:
        return None
    origins = [Origin.parse(each.path) for each in old.enrollments]
    _require_unchanged(name, old.enrollments, origins)
    embeddings = verifier.embedder.embed_utterances([origin.utterance for origin in origins])
    enrollments = [
        replace(each, embedding=embedding)
        for each, embedding in zip(old.enrollments, embeddings, strict=True)
    ]
    new = replace(old, model=verifier.bundle.identity, enrollments=tuple(enrollments))
    verifier.store.exchange(old, new)
    return new


def _require_unchanged(name: str, enrollments: Sequence[Enrollment], origins: Sequence[Origin]) -> None:
    for each, origin in zip(enrollments, origins, strict=True):
        if not origin.path.is_absolute():  # of a stream that was read once
            raise AudioError(f"{name} stays as it was: {each.path} is no file that could be read again.")
        try:
            changed = origin.sha256() != each.sha256
        except AudioError as error:
            raise AudioError(f"{name} stays as it was: {str(error)[0].lower()}{str(error)[1:]}") from None
        if changed:
            raise AudioError(f"{name} stays as it was: {each.path} is not what was enrolled; bring it back.")
