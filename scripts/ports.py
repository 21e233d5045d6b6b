"""Ports of this machine for the scripts beside this file."""

import contextlib
import secrets
import socket


def free(host="127.0.0.1"):
    """Below those that the system gives to whoever asks for any: nobody else gets it before it is listened on."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind((host, port))
            return port
