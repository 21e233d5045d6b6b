import { SessionsApi } from "./generated/operations.js";
import type { CallOptions } from "./resource.js";

/** Link phones and look after them. */
export class Sessions extends SessionsApi {
  /**
   * The QR code as a picture, or as blocks for a terminal (`text/plain`), as the answer of the platform's `fetch`.
   *
   * `GET /v1/sessions/{sessionId}/qr` needs `sessions:read`.
   *
   * @throws ApiError `qr_code_expired`, `conflict` where the session is linked, `session_not_found`
   */
  getQrAs(sessionId: string, type: "image/png" | "image/svg+xml" | "text/plain", options: CallOptions = {}): Promise<Response> {
    return this.call.raw({ id: "get_session_qr", method: "GET", path: `/v1/sessions/${encodeURIComponent(sessionId)}/qr`, accept: type }, options);
  }
}
