"""Starts the command of a unit of systemd as the unit says, without systemd: for machines whose first process is another.

    unit.py UNIT PROGRAM FOLDER    starts it, waits until it tells that it is ready, asks it, ends it; fails where something is not so

What of the unit holds here: command, user, state folder, credential, environment, umask, limits, a read-only root, own /tmp, no capabilities,
no new privileges, no writable and executable memory, address families, and the filter of system calls, as `systemd-analyze` expands it.
What does not: namespaces of users and processes, masked parts of /proc and /sys, devices. It needs `unshare` and libseccomp.
"""

import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import urllib.request

import confine
import names

KEY = "c2V2ZW50ZWVuLWFuZC1hLWhhbGYtbGl0dGxlLWdub3U="
NOBODY = 65534


def settings(unit):
    """The unit's [Service], each key with all its values."""
    found, section = {}, None
    for line in pathlib.Path(unit).read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def run(*words):
    subprocess.run(words, check=True)


def expand(group):
    """The names of the calls in a group of systemd's, groups within it included."""
    told = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, capture_output=True, text=True).stdout
    for name in (line.strip() for line in told.splitlines()[1:]):
        if name.startswith("@"):
            yield from expand(name)
        elif name and not name.startswith("#"):
            yield name


def filtered(unit):
    """The filter of the unit, ready to be loaded."""
    import pyseccomp

    allowed = set()
    for value in unit["SystemCallFilter"]:
        calls = {call for group in value.lstrip("~").split() for call in expand(group)}
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(1))
    for call in sorted(allowed - {"socket"}):
        try:
            rules.add_rule(pyseccomp.ALLOW, call)
        except (OSError, ValueError, RuntimeError):
            pass  # a call of another kind of machine
    for family in unit["RestrictAddressFamilies"][0].split():
        rules.add_rule(pyseccomp.ALLOW, "socket", pyseccomp.Arg(0, pyseccomp.EQ, getattr(socket, family)))
    return rules


def place(unit, program, folder):
    """The files as the unit expects them, and everything else read-only. In a namespace of mounts of its own."""
    run("mount", "-t", "tmpfs", "tmpfs", folder)
    for name in ("etc", "usr/bin"):
        upper, work = f"{folder}/{name}/upper", f"{folder}/{name}/work"
        os.makedirs(upper)
        os.makedirs(work)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/{name},upperdir={upper},workdir={work}", f"/{name}")
    pathlib.Path("/usr/bin/wharf").touch()
    run("mount", "--bind", program, "/usr/bin/wharf")
    os.makedirs("/etc/wharf", exist_ok=True)
    here = pathlib.Path(unit).resolve().parent
    pathlib.Path("/etc/wharf/wharf.toml").write_text((here.parent / "debian/wharf.toml").read_text())
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/var/lib")
    credentials = pathlib.Path("/var/lib/credentials")
    credentials.mkdir()
    (credentials / "master.key").write_text(KEY + "\n")
    state = "/var/lib/wharf"
    os.makedirs(state)
    run("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", state)
    if os.environ.get("CONFINE_IS_ROOT"):
        for path in (credentials, credentials / "master.key", pathlib.Path(state)):
            os.chown(path, NOBODY, NOBODY)
    (credentials / "master.key").chmod(0o400)
    pathlib.Path("/var/lib/notify").touch()
    run("mount", "--bind", os.environ["NOTIFY_SOCKET"], "/var/lib/notify")
    run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp")
    points = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in points:
        if not point.startswith(("/proc", "/sys", "/dev", "/tmp")) and point != state:
            subprocess.run(["mount", "-o", "remount,bind,ro", point], capture_output=True)


def inside(path, program, folder):
    """Becomes the service."""
    unit = settings(path)
    rules = filtered(unit)
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    place(path, program, folder)
    environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": "/var/lib/notify", "WHARF_LISTEN": "127.0.0.1:0"}
    for value in unit["Environment"]:
        name, text = value.split("=", 1)
        environment[name] = text.replace("%d", "/var/lib/credentials").replace("%S", "/var/lib")
    names.check([value.split("=", 1)[0] for value in unit["Environment"]], "the unit")
    os.umask(int(unit["UMask"][0], 8))
    for name, limit in (("LimitNOFILE", resource.RLIMIT_NOFILE), ("LimitCORE", resource.RLIMIT_CORE)):
        # Nobody may go above what the machine grants here.
        wanted, most = int(unit[name][0]), resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (wanted if most == resource.RLIM_INFINITY else min(wanted, most),) * 2)
    os.chdir(unit["WorkingDirectory"][0].replace("%S", "/var/lib"))
    confine.become(NOBODY)
    words = unit["ExecStart"][0].split()
    if unit["MemoryDenyWriteExecute"] == ["yes"]:
        confine.prctl(confine.PR_SET_MDWE, 1)
    rules.load()
    os.execve(words[0], words, environment)


def told(channel, word):
    """Waits for a word of the service's to its manager."""
    while True:
        if word in channel.recv(4096).decode().split("\n"):
            return


def main(path, program, folder):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    notify = pathlib.Path(folder).resolve().with_suffix(".notify")
    notify.unlink(missing_ok=True)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.bind(str(notify))
    notify.chmod(0o777)
    channel.settimeout(60)
    place = [str(pathlib.Path(name).resolve()) for name in (path, program, folder)]
    words, environment = confine.separated(sys.executable, __file__, "--inside", *place)
    environment["NOTIFY_SOCKET"] = str(notify)
    service = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        listens = service.stdout.readline().split()
        told(channel, "READY=1")
        with urllib.request.urlopen(f"{listens[-1]}/readyz", timeout=20) as answer:
            assert answer.status == 200
        shown = confine.seen(service.pid, "Uid", "NoNewPrivs", "Seccomp", "CapBnd")
        expected = {"Uid": str(NOBODY if os.getuid() == 0 else os.getuid()), "NoNewPrivs": "1", "Seccomp": "2", "CapBnd": "0" * 16}
        assert shown == expected, f"{shown} is not {expected}"
        state = f"/proc/{service.pid}/root/var/lib/wharf"
        assert (pathlib.Path(state) / "wharf.sqlite").exists(), os.listdir(state)
        assert not (pathlib.Path(state) / "master.key").exists(), "the key that was handed over is not the one that is used"
        service.send_signal(signal.SIGTERM)
        told(channel, "STOPPING=1")
        assert (code := service.wait(timeout=35)) == 0, f"it ended with {code}"
        print(f"unit: ready, 200 at /readyz, {shown}, stopped in order")
    finally:
        service.kill()
        service.wait()
        notify.unlink()


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
