"""What a service manager takes from a process before it runs it."""

import ctypes
import os

PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_MDWE = 38, 24, 65
LAST_CAPABILITY = 40
libc = ctypes.CDLL(None, use_errno=True)


def prctl(option, value):
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def become(user):
    """No capability, no way to one, and another user where we are root."""
    for capability in range(LAST_CAPABILITY + 1):
        prctl(PR_CAPBSET_DROP, capability)
    if os.environ.get("CONFINE_IS_ROOT"):
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def separated(*words):
    """A command in a namespace of mounts of its own, with its environment. Root stays root; anybody else becomes a root of nothing."""
    is_root = os.getuid() == 0
    unshare = ["unshare", "--mount", "--propagation", "private"] + ([] if is_root else ["--user", "--map-root-user"])
    return [*unshare, *words], {**os.environ, **({"CONFINE_IS_ROOT": "1"} if is_root else {})}


def seen(pid, *keys):
    """What the kernel says of a process."""
    with open(f"/proc/{pid}/status") as status:
        told = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    return {key: told[key].split()[0] for key in keys}
