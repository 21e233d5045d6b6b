"""The program's settings, for whoever hands variables to it: one that it does not read would be a promise of nothing."""

import pathlib
import re

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "wharf.example.toml"
# What the nodes of a fleet talk through; a program without it says that it does not know the name, and goes on.
FLEET = {"WHARF_NATS_URL"}


def check(names, where):
    known = set(re.findall(r"WHARF_[A-Z_]+", EXAMPLE.read_text())) | FLEET
    unknown = sorted(set(names) - known)
    assert not unknown, f"{where} sets {', '.join(unknown)}, which nobody reads"
    assert names, f"{where} sets nothing"
