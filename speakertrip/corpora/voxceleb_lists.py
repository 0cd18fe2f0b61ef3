"""The official trial lists of VoxCeleb1. Their ids are those of the manifests, so they need no conversion."""

from dataclasses import dataclass

from speakertrip.errors import DataError
from speakertrip.manifests import Trials, read_trials
from speakertrip.manifests.lines import FilePath


@dataclass(frozen=True, slots=True)
class OfficialList:
    """A trial list as it was published.

    Attributes:
        file: its name.
        trials: how many it has.
        md5: of the file, in hexadecimal.
    """

    file: str
    trials: int
    md5: str

    @property
    def url(self) -> str:
        """Where it is published."""
        return f"https://mm.kaist.ac.kr/datasets/voxceleb/meta/{self.file}"


# O is of the 40 test speakers, E of all 1,251, H of pairs that share sex and nationality. E and H judge speakers of
# VoxCeleb1 dev: who reports them must not train on it. The cleaned lists leave out mistaken labels.
OFFICIAL_LISTS = {
    "O-cleaned": OfficialList("veri_test2.txt", 37_611, "b73110731c9223c1461fe49cb48dddfc"),
    "E-cleaned": OfficialList("list_test_all2.txt", 579_818, "a53e059deb562ffcfc092bf5d90d9f3a"),
    "H-cleaned": OfficialList("list_test_hard2.txt", 550_894, "857790e09d579a68eb2e339a090343c8"),
    "O-original": OfficialList("veri_test.txt", 37_720, "29fc7cc1c5d59f0816dc15d6e8be60f7"),
    "E-original": OfficialList("list_test_all.txt", 581_480, "b9ecf7aa49d4b656aa927a8092844e4a"),
    "H-original": OfficialList("list_test_hard.txt", 552_536, "21c341b6b2168eea2634df0fb4b8fff1"),
}


def read_official_list(path: FilePath, name: str) -> Trials:
    """Read an official trial list, and check that it is all there.

    Args:
        path: the file.
        name: a key of ``OFFICIAL_LISTS``.

    Raises:
        DataError: the file cannot be read, a line is no trial, or it has another number of trials than published.
    """
    trials = read_trials(path)
    expected = OFFICIAL_LISTS[name].trials
    if len(trials) != expected:
        raise DataError(
            f"{path} has {len(trials):,} trials, but VoxCeleb1 {name} has {expected:,}; get it anew."
        )
    return trials
