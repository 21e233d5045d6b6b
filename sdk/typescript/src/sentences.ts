import type { Details, ErrorCode } from "./generated/types.js";

/**
 * A sentence for each code, for the person in front of your program. `{limit}`, `{actual}`, `{field}`, `{reason}`, `{retryAfter}` (seconds) and
 * `{resetAt}` stand for the details; what stands in `[…]` is left out where one of its details is not known. A table in another language
 * has the same names, and TypeScript says which are missing.
 */
export type Sentences = Readonly<Record<ErrorCode | "network_error" | "wait_timeout" | "configuration_error", string>>;

export const english: Sentences = {
  invalid_api_key: "We could not sign in to the messaging service.",
  missing_api_key: "We are not signed in to the messaging service.",
  expired_api_key: "Our access to the messaging service has expired.",
  insufficient_permissions: "You are not allowed to do this.",
  session_not_found: "This WhatsApp number is not set up here.",
  session_not_connected: "This WhatsApp number is not connected right now. Please check the phone, then try again.",
  session_limit_reached: "No further WhatsApp number can be added on this plan.",
  qr_code_expired: "The code has expired. Please ask for a new one and scan it.",
  session_disconnected: "This WhatsApp number has been unlinked. Please link the phone again.",
  invalid_phone_number: "This is not a valid phone number. Please write it with its country code, such as +1 415 555 2671.",
  recipient_not_on_whatsapp: "This number is not on WhatsApp.",
  message_too_long: "Your message is too long[: it may have {limit} characters and has {actual}].",
  media_size_exceeded: "This file is too large.",
  invalid_media_type: "This kind of file cannot be sent.",
  media_url_inaccessible: "The file could not be fetched from its address.",
  message_not_found: "This message does not exist any more.",
  message_sending_failed: "Your message could not be sent. Please try again later.",
  daily_message_limit_reached: "All messages of today are used up[; more can be sent from {resetAt} on].",
  invalid_webhook_url: "This address cannot receive notices.",
  webhook_url_unreachable: "Nobody answers at this address.",
  webhook_response_timeout: "The server at this address takes too long to answer.",
  invalid_webhook_event: "There is no notice of this kind.",
  rate_limit_exceeded: "That was too fast. Please try again in a moment[: in {retryAfter} s].",
  concurrent_request_limit_exceeded: "Too much is going on at once. Please try again in a moment.",
  invalid_request: "Something in this request is not right[: {reason}].",
  missing_required_parameter: "Something is missing[: {field}].",
  invalid_parameter_type: "Something has the wrong form[: {field}].",
  resource_not_found: "This does not exist.",
  method_not_allowed: "This cannot be done here.",
  internal_server_error: "Something went wrong on our side. Please try again.",
  service_unavailable: "The messaging service is not available right now. Please try again in a moment.",
  conflict: "This is not possible at the moment[: {reason}].",
  idempotency_key_in_use: "This is already being done. Please wait a moment.",
  idempotency_key_reused: "This has already been done with other contents.",
  unsupported_operation: "WhatsApp does not allow this[: {reason}].",
  network_error: "The messaging service could not be reached. Please check the connection.",
  wait_timeout: "This takes longer than expected.",
  configuration_error: "This program is not set up correctly for the messaging service.",
};

export const german: Sentences = {
  invalid_api_key: "Die Anmeldung beim Nachrichtendienst ist fehlgeschlagen.",
  missing_api_key: "Es besteht keine Anmeldung beim Nachrichtendienst.",
  expired_api_key: "Der Zugang zum Nachrichtendienst ist abgelaufen.",
  insufficient_permissions: "Dazu fehlt die Berechtigung.",
  session_not_found: "Diese WhatsApp-Nummer ist hier nicht eingerichtet.",
  session_not_connected: "Diese WhatsApp-Nummer ist gerade nicht verbunden. Bitte das Telefon prüfen und es noch einmal versuchen.",
  session_limit_reached: "Mit diesem Tarif kann keine weitere WhatsApp-Nummer hinzukommen.",
  qr_code_expired: "Der Code ist abgelaufen. Bitte einen neuen anfordern und scannen.",
  session_disconnected: "Diese WhatsApp-Nummer ist nicht mehr verknüpft. Bitte das Telefon neu verknüpfen.",
  invalid_phone_number: "Das ist keine gültige Telefonnummer. Bitte mit Landesvorwahl schreiben, etwa +49 30 901820.",
  recipient_not_on_whatsapp: "Diese Nummer ist nicht bei WhatsApp.",
  message_too_long: "Die Nachricht ist zu lang[: {actual} Zeichen, erlaubt sind {limit}].",
  media_size_exceeded: "Diese Datei ist zu groß.",
  invalid_media_type: "Dateien dieser Art können nicht gesendet werden.",
  media_url_inaccessible: "Die Datei konnte von ihrer Adresse nicht geholt werden.",
  message_not_found: "Diese Nachricht gibt es nicht mehr.",
  message_sending_failed: "Die Nachricht konnte nicht gesendet werden. Bitte später noch einmal versuchen.",
  daily_message_limit_reached: "Für heute sind alle Nachrichten verbraucht[; ab {resetAt} geht es weiter].",
  invalid_webhook_url: "Diese Adresse kann keine Benachrichtigungen empfangen.",
  webhook_url_unreachable: "Unter dieser Adresse antwortet niemand.",
  webhook_response_timeout: "Der Server unter dieser Adresse braucht zu lange.",
  invalid_webhook_event: "Eine solche Benachrichtigung gibt es nicht.",
  rate_limit_exceeded: "Das ging zu schnell. Bitte gleich noch einmal versuchen[: in {retryAfter} s].",
  concurrent_request_limit_exceeded: "Es läuft gerade zu viel auf einmal. Bitte gleich noch einmal versuchen.",
  invalid_request: "An dieser Anfrage stimmt etwas nicht[: {reason}].",
  missing_required_parameter: "Es fehlt etwas[: {field}].",
  invalid_parameter_type: "Etwas hat die falsche Form[: {field}].",
  resource_not_found: "Das gibt es nicht.",
  method_not_allowed: "Das geht hier nicht.",
  internal_server_error: "Auf unserer Seite ist etwas schiefgegangen. Bitte noch einmal versuchen.",
  service_unavailable: "Der Nachrichtendienst ist gerade nicht verfügbar. Bitte gleich noch einmal versuchen.",
  conflict: "Das ist im Moment nicht möglich[: {reason}].",
  idempotency_key_in_use: "Das läuft bereits. Bitte einen Moment warten.",
  idempotency_key_reused: "Das wurde mit anderem Inhalt bereits getan.",
  unsupported_operation: "Das lässt WhatsApp nicht zu[: {reason}].",
  network_error: "Der Nachrichtendienst ist nicht erreichbar. Bitte die Verbindung prüfen.",
  wait_timeout: "Das dauert länger als erwartet.",
  configuration_error: "Dieses Programm ist für den Nachrichtendienst nicht richtig eingerichtet.",
};

/** The sentence of a code with its details in it. A code of a newer Wharf gets the sentence of trouble on our side. */
export function sentence(sentences: Sentences, code: string, details: Details): string {
  const form = (sentences as Readonly<Record<string, string>>)[code] ?? sentences.internal_server_error;
  const known = details as Readonly<Record<string, unknown>>;
  const fill = (part: string) => part.replace(/\{(\w+)\}/g, (_, name: string) => String(known[name] ?? ""));
  const whole = (part: string) => [...part.matchAll(/\{(\w+)\}/g)].every(([, name]) => known[name as string] !== undefined);
  return fill(form.replace(/\[([^\]]*)\]/g, (_, part: string) => (whole(part) ? part : "")));
}
