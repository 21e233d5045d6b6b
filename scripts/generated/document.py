"""The document as generators read it that know OpenAPI 3.0 best: the same operations and schemas in the words of that version.

    document.py DOCUMENT > OTHER

Which codes belong to one status of one operation is left out: a language without closed sets of words makes 800 classes of them, all `Failure`.
"""

import json
import sys

#: Maps of names that people chose: nothing in them is a word of the form.
NAMES = ("properties", "schemas", "paths", "responses", "headers", "content", "securitySchemes")


def older(node, names=False):
    """The node in the words of 3.0."""
    if isinstance(node, list):
        return [older(one) for one in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {name: older(one) for name, one in node.items()}
    node = {word: one for word, one in node.items() if word not in ("example", "examples")}
    parts = node.get("allOf")
    if parts and all(set(part) == {"$ref"} for part in parts) and len(parts) == 1:
        return parts[0]
    for choice in ("anyOf", "oneOf"):
        if choice in node:
            node[choice] = [part for part in node[choice] if part.get("type") != "null"]
            if len(node[choice]) == 1:
                return older(node[choice][0])
            if all(part.get("type") == "string" for part in node[choice]):
                # One text or another is a text.
                return {"type": "string"}
    if "$ref" in node:
        # What stands beside it says nothing of the type.
        return {"$ref": node["$ref"]}
    kinds = node.get("type")
    if isinstance(kinds, list):
        (node["type"],) = (kind for kind in kinds if kind != "null")
        node["nullable"] = True
    constant = node.pop("const", None)
    if isinstance(constant, str):
        node["enum"] = [constant]
    if isinstance(constant, bool):
        node["type"] = "boolean"
    if node.pop("contentEncoding", None) == "base64":
        node["format"] = "byte"
    return {word: older(one, word in NAMES) for word, one in node.items()}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    # What servers of others take is no call of a client.
    del document["webhooks"]
    written = older(document)
    written["openapi"] = "3.0.3"
    info = written["info"]
    info.pop("summary", None)
    info["license"].pop("identifier", None)
    json.dump(written, sys.stdout)


if __name__ == "__main__":
    main()
