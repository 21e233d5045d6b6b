"""Debian's package installed, removed and purged on a throw-away copy of this machine's system.

    deb.py PACKAGE FOLDER    it needs `unshare` and the right to mount; the system below stays as it is
"""

import gzip
import os
import pathlib
import pwd
import stat
import subprocess
import sys

import confine


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def mode(path):
    found = os.stat(path)
    return stat.S_IMODE(found.st_mode), pwd.getpwuid(found.st_uid).pw_name


def read(folder):
    """The pages and completions, from the package itself: a slim system lays no pages down."""
    run("dpkg-deb", "--extract", "/tmp/wharf.deb", folder)
    share = pathlib.Path(folder, "usr/share")
    pages = {page.name: gzip.decompress(page.read_bytes()).decode() for page in share.glob("man/man1/*.1.gz")}
    for name, words in (("wharf", "API gateway"), ("wharf-serve", "gateway"), ("wharf-messages-send-text", "messages:send")):
        page = pages.get(f"{name}.1.gz", "")
        assert ".TH" in page and words in page, (name, sorted(pages)[:20])
    # Bash reads its file as it does at the first tab, and then completes by it.
    bash = share / "bash-completion/completions/wharf"
    complete = f"source '{bash}'; COMP_WORDS=(wharf messages send-t); COMP_CWORD=2; _wharf wharf send-t messages; echo \"${{COMPREPLY[@]}}\""
    assert run("bash", "-c", complete).split() == ["send-text"], run("bash", "-c", complete)
    zsh = (share / "zsh/vendor-completions/_wharf").read_text()
    fish = (share / "fish/vendor_completions.d/wharf.fish").read_text()
    assert zsh.startswith("#compdef wharf") and "send-text" in zsh and "complete -c wharf" in fish and "send-text" in fish
    return len(pages)


def inside(package, folder):
    run("mount", "-t", "tmpfs", "tmpfs", folder)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{folder}/{name}")
    root = f"{folder}/root"
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work", root)
    for name in ("proc", "dev"):
        run("mount", "--rbind", f"/{name}", f"{root}/{name}")
    run("mount", "-t", "tmpfs", "tmpfs", f"{root}/tmp")
    run("cp", package, f"{root}/tmp/wharf.deb")
    os.chroot(root)
    os.chdir("/")
    os.environ.update({"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    told = run("dpkg", "--install", "/tmp/wharf.deb")
    assert "systemctl enable --now wharf" in told, told
    assert mode("/etc/wharf/master.key") == (0o600, "root")
    key = pathlib.Path("/etc/wharf/master.key").read_bytes()
    assert len(key) == 45, key
    pwd.getpwnam("wharf")
    assert run("wharf", "--version").startswith("wharf ")
    run("systemd-analyze", "verify", "/usr/lib/systemd/system/wharf.service")
    pages = read("/tmp/whole")
    kept = pathlib.Path("/usr/share/doc/wharf/copyright").read_text()
    assert "AGPL-3.0-only" in kept, "the label of the strict reading is not in the package"
    # The lines that the package prints, as they stand.
    lines = told[told.index("install -d"):].splitlines()[:2]
    made = run("sh", "-ec", "\n".join(line.replace("then:", "").strip() for line in lines))
    assert "wharf_live_" in made, made
    assert mode("/var/lib/wharf/wharf.sqlite") == (0o600, "wharf")

    with open("/etc/wharf/wharf.toml", "a") as config:
        config.write("# mine\n")
    run("dpkg", "--install", "--force-confold", "/tmp/wharf.deb")
    assert pathlib.Path("/etc/wharf/wharf.toml").read_text().endswith("# mine\n"), "an update changed the configuration"
    assert pathlib.Path("/etc/wharf/master.key").read_bytes() == key, "an update changed the key"
    told = run("dpkg", "--purge", "wharf")
    assert not os.path.exists("/usr/bin/wharf") and not os.path.exists("/etc/wharf/wharf.toml")
    assert pathlib.Path("/etc/wharf/master.key").read_bytes() == key and os.path.exists("/var/lib/wharf/wharf.sqlite"), told
    print(f"deb: {pages} pages of the manual, and completions for three shells")
    print("deb: installed, a first key made, updated with its configuration and key as they were, purged without what nobody could bring back")


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(*sys.argv[2:])
    else:
        package, folder = (str(pathlib.Path(name).resolve()) for name in sys.argv[1:])
        pathlib.Path(folder).mkdir(exist_ok=True)
        words, environment = confine.separated(sys.executable, __file__, "--inside", package, folder)
        sys.exit(subprocess.run(words, env=environment).returncode)
