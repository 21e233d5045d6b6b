"""From JSON to the classes of `models` and back."""

from __future__ import annotations

import base64
import dataclasses
import functools
import sys
import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from enum import Enum
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Unset(Enum):
    """What a change leaves as it is; `None` takes away what can be taken away."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class Undecodable(ValueError):
    """An answer that is not what the class says."""


def decode(kind: type[T], value: Any) -> T:
    """The value as an object of that class; raises `Undecodable` where a member that is always there is missing."""
    decoded: T = _decode(kind, value)
    return decoded


def decode_event(value: Any) -> Any:
    """An event as the class of its kind, or as an `OtherEvent`."""
    from . import models

    kind = _event_kinds().get(value.get("event"), models.OtherEvent)
    try:
        return _decode(kind, value)
    except Undecodable:
        return _decode(models.OtherEvent, value)


def encode(value: Any, *, keep_null: bool = False) -> Any:
    """The value as JSON takes it: without what is unset, and without what is `None` unless that says something."""
    if isinstance(value, Mapping):
        return {name: encode(one) for name, one in value.items() if one is not UNSET and (keep_null or one is not None)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encode({json: getattr(value, name) for name, json, _, _ in _members(type(value))})
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [encode(one) for one in value]
    return value


def moment(value: datetime | str) -> str:
    """RFC 3339 in UTC; a `datetime` must know its zone."""
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        raise ValueError("a datetime needs a zone: datetime.now(timezone.utc), or .astimezone()")
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _decode(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise Undecodable(f"{kind.__name__} is expected, and {type(value).__name__} came")
        members = {}
        for name, json, hint, required in _members(kind):
            if json in value:
                members[name] = _decode(hint, value[json])
            elif required:
                raise Undecodable(f"{kind.__name__} came without {json}")
        return kind(**members)
    origin = get_origin(kind)
    if origin in (list, Sequence):
        return [_decode(get_args(kind)[0], one) for one in value]
    if origin is Union or origin is types.UnionType:
        return _decode(next(one for one in get_args(kind) if one is not type(None)), value)
    if kind is datetime:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    if kind is date:
        return date.fromisoformat(value)
    if kind is float and isinstance(value, int):
        return float(value)
    return value


@functools.lru_cache(maxsize=None)
def _members(kind: type) -> tuple[tuple[str, str, Any, bool], ...]:
    """Of each member its name, its name in JSON, its hint, and whether it is always there."""
    hints = get_type_hints(kind, vars(sys.modules[kind.__module__]))
    return tuple(
        (one.name, one.metadata.get("json") or _camel(one.name), hints[one.name], one.default is dataclasses.MISSING)
        for one in dataclasses.fields(kind)
    )


@functools.lru_cache(maxsize=None)
def _event_kinds() -> dict[str, Any]:
    from . import models

    kinds = {}
    for kind in get_args(models.Event):
        word = get_type_hints(kind, vars(models))["event"]
        if get_origin(word) is Literal:
            kinds[get_args(word)[0]] = kind
    return kinds


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
