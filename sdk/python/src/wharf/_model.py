"""What all types of the API have in common."""

from __future__ import annotations

import dataclasses
from typing import Any


class Model:
    """Shown by the members that have a value: most of a message's forty have none."""

    def __repr__(self) -> str:
        told: Any = dataclasses.fields(self)  # type: ignore[arg-type]
        members = ((one.name, getattr(self, one.name)) for one in told)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in members if value is not None)})"
