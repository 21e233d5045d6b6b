"""What is asked: refusals that come before, during and after the body was read, in the sizes in which they once broke the connection."""

import json
import os
import pathlib
from dataclasses import dataclass

MB = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55"


@dataclass
class Case:
    name: str
    method: str
    path: str
    code: str
    status: int
    file: str
    key: str = "good"
    kind: str = "application/octet-stream"


def files(folder: pathlib.Path, sizes: list[int]) -> None:
    """Bodies of these sizes in MB: bytes, an image, JSON with one long text."""
    for size in sizes:
        (folder / f"bytes-{size}").write_bytes(os.urandom(size * MB))
        (folder / f"image-{size}").write_bytes(PNG.ljust(size * MB, b"\0"))
        (folder / f"json-{size}").write_text(json.dumps({"text": "x" * (size * MB)}))
    (folder / "broken").write_text('{"text": "two\nlines"}')


def cases(sizes: list[int]) -> list[Case]:
    """The refusals; «reader» is a key that may not upload."""
    all = []
    for size in sizes:
        at = f"{size} MB"
        body = f"bytes-{size}"
        all += [
            Case(f"wrong key, {at}", "POST", "/v1/media", "invalid_api_key", 401, body, "wrong"),
            Case(f"no permission, {at}", "POST", "/v1/media", "insufficient_permissions", 403, body, "reader"),
            Case(f"wrong path, {at}", "POST", "/v1/medias", "resource_not_found", 404, body),
            Case(f"wrong method, {at}", "PUT", "/v1/media", "method_not_allowed", 405, body),
            Case(f"wrong parameter, {at}", "POST", "/v1/media?nonsense=1", "invalid_request", 400, body),
        ]
        if size > 5:
            all.append(Case(f"image of {at}", "POST", "/v1/media?mediaType=image", "media_size_exceeded", 400, f"image-{size}"))
            all.append(Case(f"JSON of {at}", "POST", "/v1/messages/text", "invalid_request", 400, f"json-{size}", kind="application/json"))
    all.append(Case("bad JSON", "POST", "/v1/messages/text", "invalid_request", 400, "broken", kind="application/json"))
    return all
