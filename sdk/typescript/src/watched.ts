/**
 * A request of a page whose upload is watched: `fetch` of browsers tells nothing of that, and sends streams over HTTP/2 alone. It takes what
 * `fetch` takes, and gives what it gives.
 */
export function watched(onProgress: (sent: number, total: number | undefined) => void): typeof globalThis.fetch {
  return (url, init = {}) =>
    new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      const { signal } = init;
      if (signal?.aborted) return failed(signal.reason);
      request.open(init.method ?? "GET", String(url));
      new Headers(init.headers).forEach((value, name) => request.setRequestHeader(name, value));
      request.responseType = "blob";
      request.upload.onprogress = ({ loaded, total, lengthComputable }) => onProgress(loaded, lengthComputable ? total : undefined);
      request.onload = () => done(new Response(request.response as Blob, { status: request.status, headers: headersOf(request.getAllResponseHeaders()) }));
      request.onerror = () => failed(new TypeError("the request failed"));
      request.onabort = () => failed(signal?.reason);
      const end = () => request.abort();
      signal?.addEventListener("abort", end, { once: true });
      request.onloadend = () => signal?.removeEventListener("abort", end);
      request.send(init.body as XMLHttpRequestBodyInit);
    });
}

function headersOf(lines: string): Headers {
  const headers = new Headers();
  for (const line of lines.split("\r\n")) {
    const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    if (name) headers.append(name, value ?? "");
  }
  return headers;
}
