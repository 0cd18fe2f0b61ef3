"""YAML of other toolkits, read as data: what its tags would build or call stays a name."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

LARGEST, MOST_BRACKETS = (
    1 << 16,
    500,
)  # bytes, and brackets that open, which PyYAML takes the square of in time
FRONT = re.compile(rb"\A---\r?\n(.*?)\r?\n---", re.DOTALL)  # what a model card says in YAML, before its text


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value under a tag of its own, ``!new:torch.nn.ReLU`` or ``!ref <width>``; nothing was built or looked up.

    Attributes:
        tag: without its exclamation mark.
        value: a text, a list or a dictionary.
    """

    tag: str
    value: Any


class _Reader(yaml.SafeLoader):  # type: ignore[misc]  # the package states no types
    """Refuses Python's own tags (``!!python/...``), as its base does, and calls nothing for others.

    It refuses aliases (``*name``), too: a few lists of them, each of ten of the one before, are no end of text when one
    is shown or compared.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node that is no alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(problem="aliases are not known")
        return super().compose_node(parent, index)


def _inert(reader: Any, tag: str, node: yaml.Node) -> Tagged:
    if isinstance(node, yaml.MappingNode):
        return Tagged(tag, reader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return Tagged(tag, reader.construct_sequence(node, deep=True))
    return Tagged(tag, reader.construct_scalar(node))


_Reader.add_multi_constructor("!", _inert)


def read_inert(content: bytes) -> dict[str, Any]:
    r"""Read a document whose keys are names.

    Raises:
        ValueError: it is no such document, or larger than any description of a model.

    >>> read_inert(b"n: 80\nmodel: !new:os.system [!ref <n>]")
    {'n': 80, 'model': Tagged(tag='new:os.system', value=[Tagged(tag='ref', value='<n>')])}
    """
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes")
    if content.count(b"[") + content.count(b"{") > MOST_BRACKETS:
        raise ValueError(f"it has more than {MOST_BRACKETS} brackets")
    try:
        entries = yaml.load(content.decode("utf-8"), _Reader)
    except (
        yaml.YAMLError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:  # of a key or a date that is none
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ValueError(f"it is no YAML that can be read ({problem})") from None
    if not isinstance(entries, dict) or not all(isinstance(key, str) for key in entries):
        raise ValueError("it has no names with values")
    return entries


def licence_of(card: bytes) -> str:
    r"""Return what the model card of a hub's model states as its licence; empty where it states none.

    >>> licence_of(b"---\nlicense: apache-2.0\n---\n# A model\n")
    'apache-2.0'
    """
    front = FRONT.match(card)
    try:
        licence = read_inert(front[1]).get("license", "") if front else ""
    except ValueError:
        return ""
    return licence if isinstance(licence, str) else ""


def text_of(card: bytes) -> str:
    r"""Return what of a model card is for people.

    >>> text_of(b"---\nlicense: apache-2.0\n---\n# A model\n")
    '# A model'
    """
    return FRONT.sub(b"", card).decode("utf-8", "replace").strip()
