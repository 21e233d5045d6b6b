"""The services of deploy/compose.yaml as plain processes with the settings of that file, and a look at what they promise together.

    compose.py PROGRAM    PROGRAM is the release program; PostgreSQL, nats-server and caddy are found by PATH, moto plays the bucket

All of it runs in a network of its own in which the names of the services are addresses of the loopback device, so that addresses, ports and
passwords are those of the file. What the containers are denied (capabilities, a writable root) is tried with the image.
"""

import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import compose_spec
import names
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
PATIENCE = 60
ADDRESSES = {"gateway-a": "127.0.47.11", "gateway-b": "127.0.47.12", "postgres": "127.0.47.13", "nats": "127.0.47.14", "bucket": "127.0.47.15"}
PROXY = "http://127.0.0.1:80"
MOUNTED = {"/etc/nats/nats.conf": DEPLOY / "nats/nats.conf", "/etc/caddy/Caddyfile": DEPLOY / "caddy/Caddyfile"}


def filled_in():
    """The values that a person writes into .env; every name of the example must get one."""
    password = lambda: "w" + secrets.token_hex(12)
    values = dict(line.split("=", 1) for line in (DEPLOY / "env.example").read_text().splitlines() if "=" in line and not line.startswith("#"))
    for name, value in values.items():
        values[name] = value or password()
    return {**values, "WHARF_SITE": ":80", "WHARF_MEDIA_BUCKET": "files", "WHARF_MEDIA_ENDPOINT": "http://bucket:9000"}


def read(values):
    """The file as compose reads it: variables, anchors, schema."""
    text = (DEPLOY / "compose.yaml").read_text()

    def value(found):
        name, default = found[1], found[3]
        assert name in values or found[2] == ":-", f"env.example does not have {name}"
        return values.get(name, default)

    text = re.sub(r"\$\{(\w+)(:[-?])?([^}]*)\}", value, text)
    plain = yaml.safe_load(text)
    spec = compose_spec.PyCompose.from_json(json.dumps({key: value for key, value in plain.items() if not key.startswith("x-")}))
    spec.validate()
    for name, service in plain["services"].items():
        if name.startswith("gateway"):
            names.check(service["environment"], name)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = source in plain["volumes"] if not source.startswith(".") else (DEPLOY / source).exists()
            assert there, f"{name} mounts {source}, which is not there"
    # The same text with what is unset: refused, by each variable that must be set.
    assert len(re.findall(r"\$\{\w+:\?", (DEPLOY / "compose.yaml").read_text())) >= 6
    return plain["services"]


class Services:
    def __init__(self, services, program, folder):
        self.services, self.program, self.folder, self.processes = services, program, folder, {}

    def start(self, name, *words, user=None, **environment):
        place = self.folder / name
        place.mkdir(exist_ok=True)
        if user:
            shutil.chown(place, user, user)
        log = open(self.folder / f"{name}.log", "ab")
        told = {key: str(value) for key, value in self.services.get(name, {}).get("environment", {}).items()}
        base = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LANG") if key in os.environ}
        self.processes[name] = subprocess.Popen(
            words, cwd=place, env={**base, **told, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=user, group=user
        )

    def gateway_environment(self, name):
        """Where a container's volume and secret are; the proxy asks from another address here."""
        state = self.folder / name
        state.mkdir(mode=0o700, exist_ok=True)
        address = ADDRESSES[name]
        return {"WHARF_MASTER_KEY_FILE": str(self.folder / "master.key"), "WHARF_DATA_DIR": str(state), "WHARF_LISTEN": f"{address}:8080",
                "WHARF_TRUSTED_PROXIES": "127.0.0.1", "WHARF_LOG": "warn"}

    def gateway(self, name):
        self.start(name, self.program, "serve", **self.gateway_environment(name))
        self.wait(name, lambda: ask(f"http://{name}:8080/readyz")[0] == 200)

    def wait(self, what, look):
        end = time.monotonic() + PATIENCE
        while not look():
            for name, process in self.processes.items():
                if process.poll() not in (None, 0):
                    raise AssertionError(f"{name} ended: {self.log(name)}")
            assert time.monotonic() < end, f"{what} did not come in {PATIENCE} s: {self.log(what)}"
            time.sleep(0.05)

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def at_gateway(self, *words):
        """`docker compose exec gateway-a`."""
        environment = {**os.environ, **self.services["gateway-a"]["environment"], **self.gateway_environment("gateway-a")}
        return subprocess.run([self.program, *words], env=environment, check=True, capture_output=True, text=True).stdout.strip()


def ask(url, key=None, method="GET", body=None, kind=None):
    """Status and body; 0 where nobody answers."""
    headers = ({"Authorization": f"Bearer {key}"} if key else {}) | ({"Content-Type": kind} if kind else {})
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()
    except OSError:
        return 0, b""


def postgres(services):
    """As the image's first start makes it: the user, the database, a password on the network."""
    told = services.services["postgres"]["environment"]
    folder = services.folder / "postgres"
    folder.mkdir()
    user = "postgres" if os.getuid() == 0 else None
    word = services.folder / "password"
    word.write_text(told["POSTGRES_PASSWORD"])
    if user:
        shutil.chown(folder, user, user)
        shutil.chown(word, user, user)
    data = folder / "data"
    init = ["initdb", "--no-sync", f"--pgdata={data}", f"--username={told['POSTGRES_USER']}", f"--pwfile={word}", "--auth=scram-sha-256"]
    subprocess.run([*init, *told["POSTGRES_INITDB_ARGS"].split()], check=True, capture_output=True, user=user, group=user, cwd=folder)
    services.start("postgres", "postgres", "-D", str(data), "-c", f"listen_addresses={ADDRESSES['postgres']}", "-c", "unix_socket_directories=", user=user)
    services.wait("postgres", lambda: subprocess.run(["pg_isready", "--quiet", "--host=postgres"]).returncode == 0)
    line = ["createdb", "--host=postgres", f"--username={told['POSTGRES_USER']}", "--no-password", told["POSTGRES_DB"]]
    subprocess.run(line, check=True, env={**os.environ, "PGPASSWORD": told["POSTGRES_PASSWORD"]})


def start(services):
    postgres(services)
    words = [MOUNTED.get(word, word) for word in services.services["nats"]["command"]]
    services.start("nats", "nats-server", *map(str, words), "--addr", ADDRESSES["nats"])
    services.wait("nats", lambda: ask("http://127.0.0.1:8222/healthz")[0] == 200)
    services.start("bucket", sys.executable, "-m", "moto.server", "-H", ADDRESSES["bucket"], "-p", "9000")
    services.wait("bucket", lambda: ask("http://bucket:9000/files", method="PUT")[0] == 200)
    services.gateway("gateway-a")
    services.gateway("gateway-b")
    place = services.folder / "proxy"
    services.start("proxy", "caddy", "run", "--config", str(MOUNTED["/etc/caddy/Caddyfile"]), "--adapter", "caddyfile",
                   HOME=str(place), XDG_DATA_HOME=str(place), XDG_CONFIG_HOME=str(place))
    services.wait("proxy", lambda: ask(f"{PROXY}/readyz")[0] == 200)


def listed(gateway):
    """Whether that gateway was asked for sessions since it runs."""
    return 'operation="list_sessions",code="ok"' in ask(f"http://{gateway}:8080/metrics")[1].decode()


def look(services):
    key = services.at_gateway("keys", "create", "--account", "me", "--name", "first").split()[-1]
    operator = services.at_gateway("keys", "create", "--account", "me", "--operator").split()[-1]
    nodes = lambda: sorted(node["status"] for node in json.loads(ask(f"{PROXY}/v1/admin/nodes", operator)[1])["data"])
    assert nodes() == ["working", "working"], nodes()
    assert ask(f"{PROXY}/metrics")[0] == 404, "the proxy shows the metrics to everybody"
    assert ask(f"{PROXY}/v1/sessions")[0] == 401
    print("compose: two nodes work behind the proxy, which keeps the metrics to itself")

    picture = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da6364f8cf500f000386018"
                            "05a34a8680000000049454e44ae426082")
    status, body = ask(f"{PROXY}/v1/media", key, "POST", picture, "image/png")
    assert status == 201, body
    media = json.loads(body)["data"]["mediaId"]
    for gateway in ("gateway-a", "gateway-b"):
        assert ask(f"http://{gateway}:8080/v1/media/{media}", key) == (200, picture), f"{gateway} does not have the file"
    print("compose: a file that one gateway took in is in the bucket, and both hand it out")

    refused = []
    for name, sign in (("gateway-a", signal.SIGKILL), ("gateway-b", signal.SIGTERM)):
        services.processes.pop(name).send_signal(sign)
        refused += [status for status in (ask(f"{PROXY}/v1/sessions", key)[0] for _ in range(200)) if status != 200]
        services.gateway(name)
        # A look of the proxy's found it again: without it the next one that goes would leave nobody.
        services.wait("proxy", lambda: all(ask(f"{PROXY}/v1/sessions", key)[0] == 200 for _ in range(4)) and listed(name))
    assert not refused, f"of 400 requests while a gateway was killed and another told to stop: {refused}"
    print("compose: 400 requests beside a kill -9 of one gateway and a stop of the other, each answered 200")


def main(program, folder):
    folder = pathlib.Path(folder)
    folder.chmod(0o711)
    (folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in ADDRESSES.items()))
    subprocess.run(["mount", "--bind", folder / "hosts", "/etc/hosts"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (folder / "master.key").write_text("c2V2ZW50ZWVuLWFuZC1hLWhhbGYtbGl0dGxlLWdub3U=\n")
    (folder / "master.key").chmod(0o600)
    services = Services(read(filled_in()), str(pathlib.Path(program).resolve()), folder)
    print(f"compose: the file is what its schema wants, {len(services.services)} services")
    try:
        start(services)
        look(services)
    except BaseException:
        for name in services.services:
            print(f"-- {name}\n{services.log(name)}", file=sys.stderr)
        raise
    finally:
        for process in services.processes.values():
            process.kill()


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        main(*sys.argv[2:])
    else:
        # Whatever ends this ends everything in it. In /tmp: PostgreSQL's user enters no home folder.
        own = ["--user", "--map-current-user", "--keep-caps"] if os.getuid() else []
        words = ["unshare", *own, "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with tempfile.TemporaryDirectory(prefix="wharf-compose-", dir="/tmp") as folder:
            sys.exit(subprocess.run([*words, sys.executable, __file__, "--inside", *sys.argv[1:], folder]).returncode)
