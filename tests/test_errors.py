import re
from pathlib import Path

from speakertrip import errors
from speakertrip.errors import SpeakertripError

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
CLASSES = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, Exception) and not issubclass(error, Warning)
]
CLASSES.remove(SpeakertripError)


def test_there_is_one_tree():
    assert CLASSES
    assert all(issubclass(error, SpeakertripError) for error in CLASSES)


def test_each_class_carries_an_exit_code_that_the_readme_lists():
    rows = re.findall(r"^\| ([\d /]+) \|", README, flags=re.MULTILINE)
    listed = {int(code) for row in rows for code in row.split("/")}
    assert {error.exit_code for error in CLASSES} == {2, 3, 4, 5, 6, 7}
    assert {SpeakertripError.exit_code, *(error.exit_code for error in CLASSES)} <= listed
