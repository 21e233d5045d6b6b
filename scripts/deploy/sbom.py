"""What the program is made of, as CycloneDX 1.6: every crate of the lock file that the release links, with its licence.

    sbom.py FILE TARGET    TARGET as rustc names it; one of musl has its C library in the program
"""

import json
import pathlib
import subprocess
import sys

from cyclonedx.builder.this import this_component
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

TOP = pathlib.Path(__file__).resolve().parents[2]
# Where the sources say another thing than the manifest: the strict reading.
STRICT = {"wacore-libsignal": "AGPL-3.0-only"}


def linked(metadata, root):
    """The ids of all that is compiled into the root's program: dependencies of a build's own run and of tests are not."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    edges, waiting = {}, [root]
    while waiting:
        node = nodes[waiting.pop()]
        needs = [edge["pkg"] for edge in node["deps"] if any(kind["kind"] is None for kind in edge["dep_kinds"])]
        edges[node["id"]] = needs
        waiting += [need for need in needs if need not in edges]
    return edges


def main(file, target):
    words = ["cargo", "metadata", "--locked", "--offline", "--format-version=1", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(words, cwd=TOP, check=True, capture_output=True, text=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    root = next(package["id"] for package in metadata["packages"] if package["name"] == "wharf")
    sums = lock()
    edges, components, licences = linked(metadata, root), {}, LicenseFactory()
    for id in edges:
        package = packages[id]
        name, version, foreign = package["name"], package["version"], package["source"] is not None
        text = STRICT.get(name) or (package["license"] or "").replace("/", " OR ")
        components[id] = Component(
            type=ComponentType.APPLICATION if id == root else ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"{name}@{version}",
            purl=PackageURL("cargo", name=name, version=version) if foreign else None,
            licenses=[licences.make_from_string(text)] if text else [],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sums[name, version])] if foreign else [],
            properties=[Property(name="wharf:manifest-licence", value=package["license"])] if name in STRICT else [],
        )
    bom = Bom(components=[component for id, component in components.items() if id != root])
    if target.endswith("-musl"):
        # It comes with the toolchain, and no manifest names it.
        bom.components.add(Component(type=ComponentType.LIBRARY, name="musl", bom_ref="musl", licenses=[licences.make_from_string("MIT")]))
    bom.metadata.component = components[root]
    bom.metadata.tools.components.add(this_component())
    for id, needs in edges.items():
        bom.register_dependency(components[id], [components[need] for need in needs])
    written = JsonV1Dot6(bom).output_as_string(indent=1)
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(written)
    assert wrong is None, wrong
    assert all(name in {packages[id]["name"] for id in edges} for name in STRICT), "a crate of the strict reading is not linked any more"
    unnamed = sorted(component.name for component in components.values() if not component.licenses)
    assert not unnamed, f"no licence is known of {unnamed}"
    pathlib.Path(file).write_text(written + "\n")
    print(f"sbom: {len(edges)} parts for {target}, each with its licence")


def lock():
    """The sums of the lock file."""
    import tomllib

    packages = tomllib.loads((TOP / "Cargo.lock").read_text())["package"]
    return {(package["name"], package["version"]): package.get("checksum") for package in packages}


if __name__ == "__main__":
    main(*sys.argv[1:])
