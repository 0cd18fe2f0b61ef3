"""Tables of several kinds: which model each kind stands for, found along a path through a configuration."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

Model = type[BaseModel]


@dataclass(frozen=True, slots=True)
class UsualKind:
    """A table that names no kind is of the usual one; goes into a ``BeforeValidator``."""

    kind: str

    def __call__(self, entries: Any) -> Any:
        """Return the entries of a table with their kind."""
        return {"kind": self.kind, **entries} if isinstance(entries, dict) else entries


def of_model(model: Model) -> FieldInfo:
    """Return what stands for a whole configuration: a path begins there."""
    return FieldInfo.from_annotation(model)


def models_of(field: FieldInfo) -> Iterator[tuple[Any, Model]]:
    """Yield the kinds of a table with their models; None with that of a table that has no kinds."""
    for model in get_args(field.annotation) if field.discriminator else (field.annotation,):
        if isinstance(model, type) and issubclass(model, BaseModel):
            kinds = get_args(model.model_fields["kind"].annotation) if field.discriminator else (None,)
            yield from ((kind, model) for kind in kinds)


def kind_of(field: FieldInfo, entries: Any) -> Any:
    """Return the kind of a table as it is written, or else the usual one; None where there is neither."""
    usual = (each.func.kind for each in field.metadata if _is_usual(each))
    return (
        entries.get("kind", next(usual, None)) if field.discriminator and isinstance(entries, dict) else None
    )


def model_of(field: FieldInfo, kind: Any) -> Model | None:
    """Return the model of a table of that kind; None where there is no such kind."""
    return next((model for each, model in models_of(field) if each == kind), None)


def is_another(field: FieldInfo, entries: dict[str, Any], kind: Any) -> bool:
    """Return whether a kind has other options than the kind of a table, if that has one."""
    before = kind_of(field, entries)
    return before is not None and model_of(field, before) is not model_of(field, kind)


def inner(field: FieldInfo, kind: Any, key: str | int) -> FieldInfo | None:
    """Return the field of an option of a table, or of a table in a list of them; None where there is none."""
    model = model_of(field, kind)
    if model is not None:
        return model.model_fields.get(str(key))
    if get_origin(field.annotation) is tuple:
        return FieldInfo.from_annotation(get_args(field.annotation)[0])
    return None


def _is_usual(each: Any) -> bool:
    return isinstance(each, BeforeValidator) and isinstance(each.func, UsualKind)
