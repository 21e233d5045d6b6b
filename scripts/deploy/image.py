"""The Dockerfile by hand, for machines without a builder of images.

    image.py PROGRAM FOLDER    what COPY . . would take, the stage of stubs, the last stage's files with PROGRAM, and a run of them

The stages that compile are not run: the stubs are resolved (`cargo metadata`), and what the sources take in at compile time must be among the
files. The run has what the page's `docker run` says: a read-only root of these files alone, the image's user, no capabilities, a volume.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import confine
import names
import ports
from e2b_dockerfile_utils import PatternMatcher, parse_dockerfile_ast

# Any key but the one that the image made.
KEY = "c2V2ZW50ZWVuLWFuZC1hLWhhbGYtbGl0dGxlLWdub3U="
TOP = pathlib.Path(__file__).resolve().parents[2]


def run(*words, **options):
    return subprocess.run(words, check=True, **options)


def context(folder):
    """Copies what .dockerignore leaves of what is in the repository."""
    patterns = [line for line in (TOP / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    matcher = PatternMatcher(patterns)
    told = run("git", "ls-files", "-z", cwd=TOP, capture_output=True, text=True).stdout
    taken = [name for name in told.split("\0") if name and (TOP / name).exists() and not matcher.matches(name)]
    for name in taken:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, target)
    return set(taken)


def taken_in(taken):
    """Files that sources outside of tests take in at compile time must be there."""
    looked = 0
    for name in sorted(taken):
        if not name.endswith(".rs"):
            continue
        code = (TOP / name).read_text().split("#[cfg(test)]")[0]
        for path in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', code):
            looked += 1
            found = os.path.relpath((TOP / name).parent / path, TOP)
            assert found in taken, f"{name} takes in {found}, which .dockerignore leaves out"
    assert looked, "no source takes anything in"
    return looked


def last_stage():
    """What the instructions behind the last FROM say, by name; of each the last."""
    found = {}
    for step in parse_dockerfile_ast((TOP / "Dockerfile").read_text()).instructions:
        found = {} if step.name == "FROM" else found
        found[step.name] = step.args
    return found


def inside(root, user, *words):
    """Becomes the program in its image."""
    for name in ("proc", "dev"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
        run("mount", "--rbind", f"/{name}", f"{root}/{name}")
    run("mount", "--bind", f"{root}.volume", f"{root}/var/lib/wharf")
    run("mount", "--bind", root, root)
    run("mount", "-o", "remount,bind,ro", root)
    # The mounts below are hidden by the one above them: made once more on top.
    for name in ("proc", "dev"):
        run("mount", "--rbind", f"/{name}", f"{root}/{name}")
    run("mount", "--bind", f"{root}.volume", f"{root}/var/lib/wharf")
    os.chroot(root)
    os.chdir("/")
    confine.become(int(user))
    environment = {name[6:]: value for name, value in os.environ.items() if name.startswith("IMAGE_")}
    os.execve(words[0], list(words), environment)


def main(program, folder):
    folder = pathlib.Path(folder).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    taken = context(folder / "all")
    print(f"image: {len(taken)} files go to the builder, and the {taken_in(taken)} that sources take in are among them")
    run(folder / "all/deploy/docker/stubs", folder / "all", folder / "stubs")
    told = run("cargo", "metadata", "--locked", "--offline", "--format-version=1", cwd=folder / "stubs", capture_output=True, text=True)
    packages = {package["name"]: package for package in json.loads(told.stdout)["packages"]}
    assert "tokio" in packages and {"bin", "lib"} <= {kind for target in packages["wharf"]["targets"] for kind in target["kind"]}
    print(f"image: the stubs resolve to {len(packages)} packages by the lock file")

    root = folder / "image"
    run(folder / "all/deploy/docker/root", pathlib.Path(program).resolve(), root, cwd=folder / "all")
    volume = pathlib.Path(f"{root}.volume")
    volume.mkdir()
    stage = last_stage()
    user = stage["USER"][0].split(":")[0]
    volume.chmod(0o700)
    # As a builder of containers mounts it.
    shutil.copy("/etc/resolv.conf", root / "etc")
    if os.getuid() == 0:
        os.chown(volume, int(user), int(user))
    assert stage["FROM"] == ["scratch"] and stage["COPY"] == ["/image/", "/"]
    port = ports.free("0.0.0.0")
    settings = dict(zip(stage["ENV"][0::3], stage["ENV"][1::3], strict=True))
    names.check(settings, "the image")
    assert settings["WHARF_LISTEN"] == "0.0.0.0:8080" and stage["EXPOSE"] == ["8080"]
    settings["WHARF_LISTEN"] = f"0.0.0.0:{port}"
    command = stage["ENTRYPOINT"] + stage["CMD"]
    health = stage["HEALTHCHECK"][1:]

    def started(words, more=None, **options):
        line, environment = confine.separated(sys.executable, __file__, "--inside", str(root), user, *words)
        environment.update({f"IMAGE_{name}": value for name, value in {**settings, **(more or {})}.items()})
        return subprocess.Popen(line, env=environment, text=True, **options)

    service = started(command, stdout=subprocess.PIPE)
    try:
        listens = service.stdout.readline()
        assert listens.startswith("wharf listens"), listens
        shown = confine.seen(service.pid, "Uid", "NoNewPrivs", "CapBnd")
        assert shown == {"Uid": user if os.getuid() == 0 else str(os.getuid()), "NoNewPrivs": "1", "CapBnd": "0" * 16}, shown
        healthy, quiet = started(health, stdout=subprocess.PIPE), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        told = healthy.communicate(timeout=60)[0]
        assert healthy.returncode == 0, told
        another = started(health, {"WHARF_MASTER_KEY": KEY}, **quiet)
        assert another.wait(timeout=60) == 1, "it is well with another key than the one that sealed its database"
        service.send_signal(getattr(signal, stage["STOPSIGNAL"][0]))
        assert (code := service.wait(timeout=35)) == 0, f"it ended with {code}"
    finally:
        service.kill()
        service.wait()
    kept = sorted(path.name for path in volume.iterdir())
    assert "wharf.sqlite" in kept and "master.key" in kept, kept
    files = [path for path in root.rglob("*") if path.is_file()]
    print(f"image: {len(files)} files, runs as {shown}, healthy, unwell with another key, stopped in order")


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
