"""The program's settings, for whoever hands variables to it: one that it does not read would be a promise of nothing."""

import pathlib
import re

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "wharf.example.toml"


def check(names, where):
    known = set(re.findall(r"WHARF_[A-Z_]+", EXAMPLE.read_text()))
    unknown = sorted(set(names) - known)
    assert not unknown, f"{where} sets {', '.join(unknown)}, which nobody reads"
    assert names, f"{where} sets nothing"
