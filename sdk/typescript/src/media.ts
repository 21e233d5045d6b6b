import { MediaApi } from "./generated/operations.js";
import type { Media as StoredMedia, MediaKind } from "./generated/types.js";
import type { CallOptions, CallRequest, KeyedOptions } from "./resource.js";
import { watched } from "./watched.js";

type Bytes = Uint8Array | ArrayBuffer;
type Once = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Bytes that are handed over at a time where the progress is watched. */
const PIECE = 65_536;

/**
 * A file: bytes, a `Blob` or `File` (in Node.js `await fs.openAsBlob(path)` reads as it sends), a stream, or a function that opens a stream. A stream
 * can be sent once, so it is not tried again; a function is called for each try.
 */
export type UploadSource = Bytes | Blob | Once | (() => Once);

export interface UploadOptions extends KeyedOptions {
  /** What it is shown as; decided by its bytes where it is left out. */
  mediaType?: MediaKind;
  /** The name of a document; a `File` has its own. */
  fileName?: string;
  /** What the sender says of its type, such as `text/csv`: it decides only where the bytes do not. */
  contentType?: string;
  /** Is told how many bytes were handed to the connection, and of how many where that is known. A second try begins again at 0. */
  onProgress?: (sent: number, total: number | undefined) => void;
}

/** Upload and fetch files. */
export class Media extends MediaApi {
  /**
   * Stores a file, to be sent once or often.
   *
   * `POST /v1/media` needs `messages:send`; one `Idempotency-Key` holds over all its tries. At most 100 MB, an image 5, a film or sound 16.
   *
   * @throws ApiError `media_size_exceeded`, `invalid_media_type`, `conflict` where the account's room for files is full, `invalid_request`
   */
  upload(source: UploadSource, options: UploadOptions = {}): Promise<StoredMedia> {
    const { mediaType, onProgress } = options;
    const fileName = options.fileName ?? (typeof File !== "undefined" && source instanceof File ? source.name : undefined);
    const contentType = options.contentType ?? ((source instanceof Blob && source.type) || "application/octet-stream");
    const request: CallRequest = {
      id: "upload_media",
      method: "POST",
      path: "/v1/media",
      query: { mediaType, fileName },
      keyed: true,
      files: true,
      once: isOnce(source),
      bytes: async () => ({ ...(await bodyOf(source, onProgress)), contentType }),
      ...(onProgress && !sendsStreams() && { fetch: watched(onProgress) }),
    };
    return this.call.one(request, options);
  }

  /**
   * Fetches a file as the answer of the platform's `fetch`: `response.blob()`, `response.body`. `headers` take `Range`, `If-Range` and
   * `If-None-Match` (304).
   *
   * `GET /v1/media/{mediaId}` needs `messages:read`.
   *
   * @throws ApiError `resource_not_found` where it is unknown, not fetched yet, or gone
   */
  get(mediaId: string, options: CallOptions = {}): Promise<Response> {
    return this.call.raw({ id: "get_media", method: "GET", path: `/v1/media/${encodeURIComponent(mediaId)}`, files: true }, options);
  }
}

function isOnce(source: UploadSource): source is Once {
  return typeof source === "object" && !(source instanceof Blob) && !(source instanceof ArrayBuffer) && !ArrayBuffer.isView(source);
}

async function bodyOf(source: UploadSource, onProgress: UploadOptions["onProgress"]): Promise<{ body: NonNullable<RequestInit["body"]>; streamed: boolean }> {
  const known = source instanceof Blob ? source : source instanceof ArrayBuffer || ArrayBuffer.isView(source) ? new Blob([source as BlobPart]) : undefined;
  const opened = () => streamOf(typeof source === "function" ? source() : (source as Once));
  if (!sendsStreams()) return { body: known ?? (await new Response(opened()).blob()), streamed: false };
  // Only a stream can be watched.
  if (known && !onProgress) return { body: known, streamed: false };
  const stream = known ? pieces(known) : opened();
  return { body: onProgress ? counted(stream, known?.size, onProgress) : stream, streamed: true };
}

/** Whether the platform sends streams over HTTP/1.1, as Wharf speaks it: servers' platforms do, and pages do not. */
function sendsStreams(): boolean {
  return typeof XMLHttpRequest === "undefined";
}

/** A `Blob` piece by piece: some platforms stream it as one, and nobody would see how far it is. */
function pieces(blob: Blob): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at >= blob.size) return controller.close();
      const piece = blob.slice(at, at + PIECE);
      at += PIECE;
      controller.enqueue(new Uint8Array(await piece.arrayBuffer()));
    },
  });
}

function streamOf(source: Once): ReadableStream<Uint8Array> {
  if (source instanceof ReadableStream) return source;
  const chunks = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      await chunks.return?.(reason);
    },
  });
}

function counted(stream: ReadableStream<Uint8Array>, total: number | undefined, onProgress: NonNullable<UploadOptions["onProgress"]>) {
  let sent = 0;
  onProgress(0, total);
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      sent += chunk.byteLength;
      onProgress(sent, total);
      controller.enqueue(chunk);
    },
  });
  return stream.pipeThrough(counter);
}
