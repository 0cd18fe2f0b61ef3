"""Speaker-disjoint splits into parts of stated shares, alike in what the manifest says of the speakers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from math import floor

from speakertrip.corpora.keys import require_keys, value_of
from speakertrip.errors import DataError, UsageError
from speakertrip.manifests import Utterance

Group = list[str]  # of speakers


def split_by_shares(
    utterances: Sequence[Utterance],
    shares: Mapping[str, float | Fraction],
    seed: int,
    by: Sequence[str] = (),
) -> dict[str, list[Utterance]]:
    """Spread whole speakers over parts.

    The speakers of a stratum, who have the same values under the keys ``by``, go to each part in its share, rounded up
    or down by the largest remainder; what rounding takes from a part in one stratum, it is owed in the next. Within a
    stratum, speakers of about equally many utterances (1, 2 to 3, 4 to 7, ...) are spread alike, so that the parts
    have about their share of the utterances too. Among these, a hash of seed and name decides.

    The split hangs on the speakers, their values and numbers of utterances, and not on the order of the manifest. When
    speakers are added, those move who stand at a border between parts: at most a few of each stratum.

    Args:
        utterances: a manifest.
        shares: of the speakers, by the name of the part; together 1.
        seed: another one makes another split.
        by: keys of the manifest, known or not; a speaker has the value that most of the utterances have.

    Returns:
        The utterances of each part, in the order of the manifest; together they are all.

    Raises:
        UsageError: a share is not above 0, or they are not 1 together.
        DataError: a part would have no speaker, or no utterance has a key.
    """
    exact = {name: Fraction(str(share)) for name, share in shares.items()}
    if sum(exact.values()) != 1 or min(exact.values()) <= 0:
        stated = " + ".join(str(share) for share in shares.values())
        raise UsageError(f"The shares must be above 0, and 1 together; they are {stated}.")
    require_keys(utterances, by)
    part_of = _assign(_strata(utterances, by), list(exact.values()), seed)
    parts: dict[str, list[Utterance]] = {name: [] for name in shares}
    names = list(shares)
    for utterance in utterances:
        parts[names[part_of[utterance.speaker]]].append(utterance)
    for name, part in parts.items():
        if not part:
            raise DataError(
                f"The part {name!r} would have no speaker: {len(part_of)} are too few for its share of "
                f"{float(shares[name]):g}."
            )
    return parts


def _strata(utterances: Sequence[Utterance], by: Sequence[str]) -> list[list[Group]]:
    """Return the speakers by stratum and, within, by about how many utterances they have, the most first."""
    own: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        own.setdefault(utterance.speaker, []).append(utterance)
    strata: dict[tuple[str, ...], dict[int, Group]] = {}
    for speaker, each in own.items():
        values = tuple(_commonest(value_of(utterance, key) or "" for utterance in each) for key in by)
        strata.setdefault(values, {}).setdefault(len(each).bit_length(), []).append(speaker)
    return [[group for _, group in sorted(strata[values].items(), reverse=True)] for values in sorted(strata)]


def _commonest(values: Iterable[str]) -> str:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def _assign(strata: list[list[Group]], shares: list[Fraction], seed: int) -> dict[str, int]:
    """Return the place of each speaker's part."""
    part_of: dict[str, int] = {}
    owed = [Fraction(0)] * len(shares)  # to each part, by the rounding of the strata before
    for groups in strata:
        size = sum(map(len, groups))
        counts = _round([share * size for share in shares], owed)
        seats = [Fraction(0)] * len(shares)
        for group in groups:
            seats = [
                seat + Fraction(count * len(group), size) for seat, count in zip(seats, counts, strict=True)
            ]
            places = []
            for _ in group:
                place = seats.index(max(seats))
                seats[place] -= 1
                places.append(place)
            ordered = sorted(group, key=lambda speaker: _number(seed, speaker))
            part_of.update(zip(ordered, sorted(places), strict=True))
    return part_of


def _round(quotas: list[Fraction], owed: list[Fraction]) -> list[int]:
    """Round each quota up or down so that their sum stays, up for those that are owed most; ``owed`` is kept up."""
    counts = [floor(quota) for quota in quotas]
    owed[:] = [debt + quota - count for debt, quota, count in zip(owed, quotas, counts, strict=True)]
    broken = [place for place, quota in enumerate(quotas) if quota != counts[place]]
    rest = int(sum(quotas)) - sum(counts)
    for place in sorted(broken, key=lambda place: (-owed[place], place))[:rest]:
        counts[place] += 1
        owed[place] -= 1
    return counts


def _number(seed: int, speaker: str) -> bytes:
    return blake2b(f"{seed} {speaker}".encode(errors="surrogatepass"), digest_size=16).digest()
