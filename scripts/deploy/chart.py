"""The chart rendered by helm for the ways in which it is meant, each object held against Kubernetes' own schemas, and what it must refuse.

    chart.py FOLDER    `helm` and `kubernetes-validate` are found by PATH
"""

import pathlib
import subprocess
import sys

import names
import yaml

HELM = pathlib.Path(__file__).resolve().parents[2] / "deploy/helm"
KEY = "c2V2ZW50ZWVuLWFuZC1hLWhhbGYtbGl0dGxlLWdub3U="
OWN = [f"masterKey={KEY}", "database.enabled=true", "database.url=postgres://wharf:secret@db/wharf", "nats.enabled=true",
       "nats.url=nats://wharf:secret@nats:4222", "media.enabled=true", "media.bucket=b", "media.endpoint=https://s3", "media.accessKey=secret",
       "media.secretKey=secret"]
# The oldest that the chart takes, and the newest of the schemas.
VERSIONS = ["1.30", "1.37"]

GOOD = {
    "one node with SQLite": [f"masterKey={KEY}"],
    "two nodes with a secret of the chart's, and files for NATS": [*OWN, "replicas=2", "filesSecret=nats"],
    "three nodes with a secret that is there": [],
}
REFUSED = {
    "masterKey or existingSecret is needed": [],
    "masterKey": ["masterKey=short"],
    "more than one replica needs database.enabled": ["replicas=2", f"masterKey={KEY}"],
    "more than one replica needs media.enabled": ["replicas=2", *[word for word in OWN if not word.startswith("media")]],
    "SQLite belongs to one node": [f"masterKey={KEY}", "nats.enabled=true", "nats.url=nats://n"],
    "media.enabled needs media.bucket": ["existingSecret=s", "media.enabled=true"],
    "additional properties": [f"masterKey={KEY}", "replica=2"],
}


def helm(what, values, *words):
    sets = [word for value in values for word in ("--set", value)]
    return subprocess.run(["helm", *what, str(HELM / "wharf"), *sets, *words], capture_output=True, text=True)


def look(name, objects):
    kinds = [item["kind"] for item in objects]
    stateful = next(item for item in objects if item["kind"] == "StatefulSet")
    pod = stateful["spec"]["template"]["spec"]
    container = pod["containers"][0]
    names.check([variable["name"] for variable in container["env"]], f"the chart ({name})")
    assert "secret@" not in yaml.safe_dump(stateful), "a secret stands in the set"
    several = stateful["spec"]["replicas"] > 1
    assert ("PodDisruptionBudget" in kinds) == several
    for item in objects:
        if item["kind"] == "PodDisruptionBudget":
            assert item["spec"]["selector"] == stateful["spec"]["selector"]
    assert pod["terminationGracePeriodSeconds"] >= container["lifecycle"]["preStop"]["sleep"]["seconds"] + 30
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz" and container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["securityContext"]["readOnlyRootFilesystem"] and pod["securityContext"]["runAsNonRoot"]
    assert {spread["topologyKey"] for spread in pod["topologySpreadConstraints"]} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    mounted, there = {mount["name"] for mount in container["volumeMounts"]}, {volume["name"] for volume in pod["volumes"]} | {"state"}
    assert mounted == there, f"{mounted} are mounted, {there} are there"


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    for name, values in GOOD.items():
        words = [] if values else ["--values", str(HELM / "cluster.yaml")]
        linted = helm(["lint", "--strict"], values, *words)
        assert linted.returncode == 0, linted.stdout + linted.stderr
        rendered = helm(["template", "shop"], values, *words)
        assert rendered.returncode == 0, rendered.stderr
        path = folder / f"{name.replace(' ', '-')}.yaml"
        path.write_text(rendered.stdout)
        objects = [item for item in yaml.safe_load_all(rendered.stdout) if item]
        look(name, objects)
        for version in VERSIONS:
            held = subprocess.run(["kubernetes-validate", "--strict", "-k", version, str(path)], capture_output=True, text=True)
            assert held.returncode == 0, held.stdout + held.stderr
        print(f"chart: {name}: {len(objects)} objects are what Kubernetes {' and '.join(VERSIONS)} take")
    for why, values in REFUSED.items():
        rendered = helm(["template", "shop"], values)
        assert rendered.returncode != 0 and why in rendered.stderr, f"{values}: «{why}» was expected: {rendered.stderr or 'it was taken'}"
    print(f"chart: {len(REFUSED)} that cannot work are refused with the reason")


if __name__ == "__main__":
    main(*sys.argv[1:])
