"""What runs beside: the sandbox, the proxies with their defaults, and the clients, each as a process that is asked line by line."""

import atexit
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import ports

PATIENCE_S = 60


def started(*words, **more):
    process = subprocess.Popen(words, **more)
    atexit.register(lambda: (process.send_signal(signal.SIGTERM), process.wait()))
    return process


def sandbox():
    """A sandbox on a fresh folder: what it printed of itself."""
    folder = tempfile.mkdtemp()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True))
    words = [os.environ["WHARF_SANDBOX_BIN"], "--json", "--port", "0", "--data-dir", folder, "--failed-keys-per-minute", "1000000"]
    return json.loads(started(*words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.readline())


def until(what, look):
    """Looks until something is there."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"not within {PATIENCE_S} s: {what}")


def listens(port):
    def answered():
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    until(f"port {port} listens", answered)
    return f"http://127.0.0.1:{port}"


# Where nginx shows the gateway a second time, below a path of its own.
OWN_PATH = "/of/its/own/"


def nginx(program, upstream):
    """nginx with its defaults, but for the one that refuses bodies above 1 MB by itself."""
    port, folder = ports.free(), pathlib.Path(tempfile.mkdtemp())
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True))
    paths = "".join(f"{name}_temp_path {folder}/{name};" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/log; events {{}} http {{ access_log off; {paths} client_max_body_size 128m;"
        f" server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {upstream}; }}"
        f" location {OWN_PATH} {{ proxy_pass {upstream}/; }} }} }}"
    )
    started(program, "-p", folder, "-c", folder / "conf", "-e", folder / "log", stderr=subprocess.DEVNULL)
    return listens(port)


def caddy(program, upstream):
    port, folder = ports.free(), pathlib.Path(tempfile.mkdtemp())
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True))
    (folder / "Caddyfile").write_text(f"{{\n admin off\n auto_https off\n}}\nhttp://127.0.0.1:{port} {{\n reverse_proxy {upstream}\n}}\n")
    own = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    started(program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile", env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return listens(port)


class Cutter:
    """A balancer that ends connections when it is told to, as balancers do every minute or hour."""

    def __init__(self, upstream):
        self.upstream = int(upstream.rsplit(":", 1)[1])
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(("127.0.0.1", self.upstream))
            self.open += [near, far]
            for one, other in [(near, far), (far, near)]:
                threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def pass_on(one, other):
        try:
            while some := one.recv(65536):
                other.sendall(some)
        except OSError:
            pass

    def cut(self):
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.open = []


class Stream:
    """A client of events: the lines that it wrote so far."""

    def __init__(self, name, url, key):
        self.name, self.lines = name, []
        self.process = started("node", "stream.js", name, url, key, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


class Client:
    """One client: `ask` gives {"status", "text"} or {"failed"}."""

    def __init__(self, name, *words):
        self.name, self.words = name, words
        self.start()

    def start(self):
        self.process = started(*self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, method, url, headers, file):
        line = json.dumps({"url": url, "method": method, "headers": headers, "file": str(file)})
        return json.loads(self.exchange(line))

    def exchange(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        if select.select([self.process.stdout], [], [], PATIENCE_S)[0]:
            return self.process.stdout.readline() or '{"failed": "the client has ended"}'
        self.process.kill()
        self.start()
        return f'{{"failed": "no answer within {PATIENCE_S} s"}}'


class Java(Client):
    """It has no JSON of its own."""

    def ask(self, method, url, headers, file):
        came = self.exchange("\t".join([url, method, str(file), *(word for pair in headers.items() for word in pair)]))
        status, _, text = came.rstrip("\n").partition("\t")
        return {"status": int(status), "text": text} if status.isdigit() else {"failed": text or came}


class Curl:
    name = "curl"

    def ask(self, method, url, headers, file):
        words = [word for name, value in headers.items() for word in ["-H", f"{name}: {value}"]]
        words = ["curl", "-sS", "-X", method, url, *words, "--data-binary", f"@{file}", "-w", "\n%{http_code}", "--max-time", str(PATIENCE_S)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            return {"failed": done.stderr.strip()}
        text, _, status = done.stdout.rpartition("\n")
        return {"status": int(status), "text": text}


def clients():
    """All that this machine can run."""
    all = [Client(name, "node", "client.js", name) for name in ["fetch", "axios", "got", "undici"]]
    all += [Client(name, "python3", "client.py", name) for name in ["urllib", "requests", "httpx", "aiohttp"]]
    all.append(Curl())
    if shutil.which("php"):
        extensions = subprocess.run(["php", "-m"], capture_output=True, text=True).stdout.split()
        all += [Client(name, "php", "-d", "memory_limit=-1", "client.php", name) for name in ["php-streams"] + ["php-curl"] * ("curl" in extensions)]
    if shutil.which("ruby"):
        all.append(Client("ruby", "ruby", "client.rb"))
    if shutil.which("javac") or shutil.which("java") and "jdk.compiler" in subprocess.run(["java", "--list-modules"], capture_output=True, text=True).stdout:
        all += [Java(name, "java", "Client.java", name) for name in ["java-http", "java-url"]]
    return all
