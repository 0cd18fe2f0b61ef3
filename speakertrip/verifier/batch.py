"""The speakers of a manifest, enrolled one after the other: what a killed run did is not done again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speakertrip.enrollment import EnrollMode, Profile, check_name
from speakertrip.enrollment.profiles.origin import Origin
from speakertrip.errors import AudioError, StoreError
from speakertrip.manifests import Utterance
from speakertrip.verifier.facade import SpeakerVerifier


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a speaker.

    Attributes:
        profile: as it now is.
        added: how many utterances are new in it; 0: the speaker was enrolled from all of them already.
    """

    profile: Profile
    added: int


def group_by_speaker(
    utterances: Sequence[Utterance], models: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[Utterance]]:
    """Return the utterances of each speaker of a manifest or, with an enrollment map, of each of its models.

    Raises:
        DataError: a model mixes speakers, or names an id that the manifest lacks.
        UsageError: the name of one cannot be that of an enrolled speaker.
    """
    groups: dict[str, list[Utterance]] = {}
    if models is None:
        for utterance in utterances:
            groups.setdefault(check_name(utterance.speaker), []).append(utterance)
        return groups
    from speakertrip.evaluation import speakers_of  # here, as a single answer needs nothing of that room

    speakers_of(utterances, models)
    by_id = {utterance.id: utterance for utterance in utterances}
    for model, ids in models.items():
        groups.setdefault(check_name(model), []).extend(by_id[id_] for id_ in ids)
    return groups


def enroll_utterances(
    verifier: SpeakerVerifier, name: str, utterances: Sequence[Utterance], mode: EnrollMode = "new"
) -> Outcome:
    """Enroll a speaker from utterances of a manifest; nothing is stored unless all of them can be used.

    A speaker who is enrolled from exactly these utterances (or in the mode "add", from these and others) with the
    verifier's model is left as they are: nothing is decoded. Utterances are told apart by the bytes of their files,
    and by where in them they lie.

    Args:
        verifier: with model and store.
        name: who.
        utterances: of that speaker alone.
        mode: as of ``SpeakerVerifier.enroll``.

    Raises:
        AudioError: an utterance cannot be used, or all together hold too little speech.
        StoreError: the speaker is enrolled from other utterances and the mode is "new", or with another model and the
            mode is not "replace".
        StorageError: the store cannot be written.

    Warns:
        SpeakertripWarning: as of ``SpeakerVerifier.enroll``.
    """
    try:
        return _enroll(verifier, check_name(name), utterances, mode)
    except AudioError as error:
        raise AudioError(f"{name} is not enrolled: {error}") from None


def _enroll(
    verifier: SpeakerVerifier, name: str, utterances: Sequence[Utterance], mode: EnrollMode
) -> Outcome:
    known = verifier.store.find(name)
    sums = {Origin.of(utterance).sha256() for utterance in utterances} if known else set()
    if known and _holds(known, verifier.bundle.identity, sums, mode):
        return Outcome(known, 0)
    if known and mode == "new":
        raise StoreError(
            f"{name} is enrolled already, from other utterances or with another model; add to it by --add, or forget "
            "it first by --replace (mode=)."
        )
    before = len(known.enrollments) if known and mode == "add" else 0
    profile = verifier.enroll(name, utterances, mode)
    return Outcome(profile, len(profile.enrollments) - before)


def _holds(profile: Profile, model: str, sums: set[str], mode: EnrollMode) -> bool:
    """Tell whether there is nothing left to do."""
    there = {each.sha256 for each in profile.enrollments}
    return profile.model == model and (sums == there or (mode == "add" and sums <= there))
