#!/usr/bin/env python3
"""Every client, every refusal, directly and behind each proxy; then a send that is never acknowledged. `scripts/clients/run` says how."""

import concurrent.futures
import json
import os
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

from cases import cases, files
from programs import OWN_PATH, Cutter, Stream, caddy, clients, nginx, sandbox, until

ASLEEP, FIRST_OWNER = "15550001004", 15550000101
# The client's own limit is shorter than the answer takes: what docs/clients.md says of it.
WAITS = {"httpx": "?wait=4"}


def call(method, url, body=None, key=None):
    request = urllib.request.Request(url, data=body, method=method)
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())["data"]


def seen(came):
    """The code of what came, or how it failed."""
    if "failed" in came:
        return came["failed"]
    try:
        return json.loads(came["text"])["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return f"{came['status']} without a code"


def refusals(place, base, keys, sizes, times, all):
    """A row for each client: how often each refusal came as documented. Returns what did not."""
    asked = cases(sizes)
    folder = pathlib.Path.cwd()
    wrong = []
    print(f"\n== {place}")
    width = max(len(case.name) for case in asked)
    print(" " * width, *(f"{client.name:>11}" for client in all))
    for case in asked:
        cells = []
        for client in all:
            headers = {"Authorization": f"Bearer {keys[case.key]}", "Content-Type": case.kind}
            right = 0
            for _ in range(times):
                came = client.ask(case.method, base + case.path, headers, folder / case.file)
                if came.get("status") == case.status and seen(came) == case.code:
                    right += 1
                else:
                    wrong.append(f"{place}, {client.name}, {case.name}: {came.get('status', '')} {seen(came)}")
            cells.append(f"{right}/{times}")
        print(case.name.ljust(width), *(f"{cell:>11}" for cell in cells), f"  {case.status} {case.code}")
    return wrong


def linked(ready, owner):
    """A session of this owner's phone."""
    made = call("POST", f"{ready['url']}/v1/sessions", b'{"name": "clients"}', ready["apiKey"])
    call("POST", f"{ready['controlUrl']}/control/scan?phone={owner}", made["qr"].encode())
    id = made["sessionId"]
    call("GET", f"{ready['url']}/v1/events?cursor=oldest&events=session.connected&sessionId={id}&wait=30", key=ready["apiKey"])
    return id


def impatient(ready, client, owner):
    """One client sends with its own limits and, as most programs do, once more where it got no answer: what it saw, from its own session."""
    session = linked(ready, owner)
    file = pathlib.Path.cwd() / f"send-{client.name}"
    file.write_text(json.dumps({"sessionId": session, "to": ASLEEP, "text": f"by {client.name}"}))
    headers = {"Authorization": f"Bearer {ready['apiKey']}", "Content-Type": "application/json"}
    url = f"{ready['url']}/v1/messages/text{WAITS.get(client.name, '')}"
    came = [client.ask("POST", url, headers, file)]
    if "failed" in came[0]:
        came.append(client.ask("POST", url, headers, file))
    made = call("GET", f"{ready['url']}/v1/messages?sessionId={session}", key=ready["apiKey"])
    return came, len(made)


def unacknowledged(ready, all):
    """The network takes each send and never says so, and the phone is off: nothing tells the gateway before the client's patience ends."""
    call("POST", f"{ready['controlUrl']}/control/faults", json.dumps({"action": "swallow_ack", "to": ASLEEP}).encode())
    print("\n== a send that WhatsApp never acknowledges, with each client's own limits and one more try where there is no answer")
    with concurrent.futures.ThreadPoolExecutor(len(all)) as pool:
        seen_by = list(pool.map(lambda one: impatient(ready, one[1], str(FIRST_OWNER + one[0])), enumerate(all)))
    call("POST", f"{ready['controlUrl']}/control/phones/{ASLEEP}/wake")
    wanted = {f"by {client.name}" for client in all}
    shown = until(
        "every message at the phone",
        lambda: (ledger := [m["text"] for m in call("GET", f"{ready['controlUrl']}/control/phones/{ASLEEP}/messages")]) and wanted <= set(ledger) and ledger,
    )
    wrong = []
    for client, (came, made) in zip(all, seen_by):
        status = json.loads(came[-1].get("text") or "{}").get("data", {}).get("status", seen(came[-1]))
        at_the_phone = shown.count(f"by {client.name}")
        print(f"{client.name:>11}  {came[-1].get('status', '-')} {status} at try {len(came)}, {at_the_phone} at the phone  {WAITS.get(client.name, '')}")
        if (len(came), came[0].get("status"), made, at_the_phone) != (1, 201, 1, 1):
            wrong.append(f"{client.name}: {came}, {made} messages, {at_the_phone} at the phone")
    return wrong


def streams(ready, base):
    """Published EventSource clients on a stream that is cut twice: what happens in between they are told when they are back."""
    print("\n== streams of events behind nginx, cut twice")
    wrong = []
    for place, name in enumerate(["event-source-polyfill", "eventsource"]):
        session = linked(ready, str(FIRST_OWNER + 50 + place))
        cutter = Cutter(base)
        stream = Stream(name, f"{cutter.url}/v1/events?events=message.sent&sessionId={session}", ready["apiKey"])

        def send(text, session=session):
            body = json.dumps({"sessionId": session, "to": ASLEEP, "text": text}).encode()
            call("POST", f"{ready['url']}/v1/messages/text", body, ready["apiKey"])

        until(f"{name} is connected", lambda: "open" in stream.lines)
        texts = ["before", "while it is away", "and away again"]
        for text in texts:
            send(text)
            until(f"{name} is told «{text}»", lambda text=text: text in stream.lines)
            cutter.cut()
        opened, told = stream.lines.count("open"), [line for line in stream.lines if line != "open"]
        print(f"{name:>22}  {opened} connections, {told}")
        if told != texts or opened < len(texts):
            wrong.append(f"{name}: {stream.lines}")
    return wrong


def below_a_path(base, key):
    """What the gateway says of itself leads on where it stands below a path of the proxy's own."""
    print("\n== behind nginx below a path of its own")

    def get(url, key=None):
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return answer.status, answer.headers, answer.read()

    wrong = []
    document = urllib.parse.urljoin(base, f"{OWN_PATH}openapi.json")
    server = urllib.parse.urljoin(document, json.loads(get(document)[2])["servers"][0]["url"])
    places = {"the document's server": f"{server.rstrip('/')}/v1/account"}
    for path in ["v1/messages/nobody", "v1/webhooks/nobody/deliveries"]:
        asked = urllib.parse.urljoin(server, path)
        link = get(asked, key)[1]["Link"].split(">")[0].removeprefix("<")
        places[f"the help of {path}"] = urllib.parse.urljoin(asked, link)
    for name, url in places.items():
        status = get(url, key)[0]
        print(f"{name:>42}  {status} {url.removeprefix(base)}")
        if status != 200 or not url.startswith(urllib.parse.urljoin(base, OWN_PATH)):
            wrong.append(f"{name}: {status} at {url}")
    return wrong


def main(times):
    quick = times == "quick"
    sizes = [1, 8] if quick else [1, 20]
    files(pathlib.Path.cwd(), sizes)
    ready = sandbox()
    reader = call("POST", f"{ready['url']}/v1/api-keys", b'{"name": "reader", "permissions": ["account:read"]}', ready["apiKey"])["apiKey"]
    keys = {"good": ready["apiKey"], "wrong": "wharf_test_nonsense", "reader": reader}
    all = clients()
    places = {"directly": ready["url"], "behind nginx": nginx(os.environ["NGINX"], ready["url"])}
    if os.environ.get("CADDY"):
        places["behind Caddy"] = caddy(os.environ["CADDY"], ready["url"])
    wrong = []
    for place, base in places.items():
        wrong += refusals(place, base, keys, sizes, 1 if quick else int(times), all)
    wrong += below_a_path(places["behind nginx"], ready["apiKey"])
    wrong += streams(ready, places["behind nginx"])
    wrong += unacknowledged(ready, all)
    print("\n" + "\n".join(wrong) if wrong else "\nevery refusal is the documented code, every stream goes on, and every send is one message")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
