"""What a program gives the client and a call, looked at before anything is sent: what cannot be meant is no fault of the network."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import httpx

from .errors import ConfigurationError

#: A key of either kind is a word: a blank or the end of a line would make something else of its header.
_WORD = re.compile(r"[\x21-\x7e]+")
#: Words with blanks between, as headers have them.
_WORDS = re.compile(r"[\x21-\x7e]+([ \t]+[\x21-\x7e]+)*")
_SLOT = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def address(given: str | None, usual: str) -> str:
    """Where the server is, without a slash at the end. What is not said stands in `WHARF_URL`, and is usual where that is empty."""
    option = "base_url" if given is not None else "WHARF_URL"
    text = (os.environ.get("WHARF_URL") or usual) if given is None else given
    why = _no_address(text)
    if why is not None:
        raise ConfigurationError(f"{option} {why}: an address such as {usual} is expected", option)
    return text.rstrip("/")


def key(given: str | None) -> str | None:
    """The key. What is not said stands in `WHARF_API_KEY`; without one a log-in's cookie counts."""
    if given is not None:
        return word("api_key", given)
    said = os.environ.get("WHARF_API_KEY")
    return word("WHARF_API_KEY", said) if said else None


def word(option: str, given: str) -> str:
    """The same word, which is visible ASCII. It is not told: it may be a secret."""
    if not given:
        raise ConfigurationError(f"{option} is empty", option)
    if not _WORD.fullmatch(given):
        raise ConfigurationError(f"{option} has a sign that is not visible ASCII, such as a blank, a line's end or an accent", option)
    return given


def checked(headers: Mapping[str, str]) -> None:
    """Refuses a header that HTTP does not carry."""
    for name, value in headers.items():
        if not _SLOT.fullmatch(name) or not _WORDS.fullmatch(value):
            raise ConfigurationError(f"the header {name!r} cannot be sent: its name or its value has a sign that headers have not", name)


def _no_address(text: str) -> str | None:
    """Why it cannot be the address of a server."""
    if not text:
        return "is empty"
    if re.search(r"\s", text):
        return "has a blank or a line's end in it"
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return "is no address"
    # `localhost:8080` is read as a scheme of that name.
    if url.scheme not in ("http", "https"):
        return "begins with neither http:// nor https://"
    if not url.host:
        return "names no server"
    if url.userinfo or "@" in text.partition("://")[2].partition("/")[0]:
        return "has a name or a password in it, and Wharf takes a key"
    if "?" in text or "#" in text:
        return "has a query or a fragment"
    return None
