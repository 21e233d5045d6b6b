"""One HTTP client of Python, named by the first argument: reads requests as lines of JSON, writes what came as lines of JSON."""

import asyncio
import json
import sys
import urllib.error
import urllib.request


def with_urllib(url, method, headers, body):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def with_requests(url, method, headers, body):
    import requests

    answer = requests.request(method, url, headers=headers, data=body)
    return answer.status_code, answer.content


def with_httpx(url, method, headers, body):
    import httpx

    answer = httpx.request(method, url, headers=headers, content=body)
    return answer.status_code, answer.content


def with_aiohttp(url, method, headers, body):
    import aiohttp

    async def ask():
        async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, data=body) as answer:
            return answer.status, await answer.read()

    return asyncio.run(ask())


client = {"urllib": with_urllib, "requests": with_requests, "httpx": with_httpx, "aiohttp": with_aiohttp}[sys.argv[1]]
for line in sys.stdin:
    asked = json.loads(line)
    with open(asked["file"], "rb") as file:
        body = file.read()
    try:
        status, text = client(asked["url"], asked["method"], asked["headers"], body)
        came = {"status": status, "text": text.decode()}
    except Exception as error:  # whatever a client throws is what its program gets
        came = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(came), flush=True)
