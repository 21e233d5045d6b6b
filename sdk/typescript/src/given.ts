/** What a program gives the client and a call, looked at before anything is sent: what cannot be meant is no fault of the network. */
import { ConfigurationError } from "./errors.js";

/** What every value of ours in a header is made of: a blank or a line's end would make another request of it. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Headers in the forms that `fetch` takes: a plain table, a `Headers`, or pairs of a name and a value. */
export type GivenHeaders = Headers | readonly (readonly [name: string, value: string])[] | Readonly<Record<string, string>>;

/**
 * The address of a Wharf, without a slash at its end. In a page it may be a path of the page's own server, such as `/wharf`.
 *
 * @throws ConfigurationError
 */
export function addressOf(given: string): string {
  const refused = (why: string) => new ConfigurationError(`baseUrl ${why}: an address such as http://127.0.0.1:8080 is expected`, "baseUrl");
  if (typeof given !== "string" || given === "") throw refused("is empty");
  if (/\s/.test(given)) throw refused("has a blank or a line's end in it");
  const { document, location } = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  // As `fetch` reads it: a page inside another one, or one that names a base, has an address that its links do not go by.
  const page = document?.baseURI ?? location?.href;
  const url = parsed(given, /^\/(?!\/)/.test(given) ? page : undefined);
  if (!url) throw refused("is no address");
  // `localhost:8080` is read as a scheme of that name.
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refused("begins with neither http:// nor https://");
  if (url.username !== "" || url.password !== "") throw refused("has a name or a password in it, and Wharf takes a key");
  if (/[?#]/.test(given)) throw refused("has a query or a fragment");
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/**
 * The key as it goes into a header.
 *
 * @throws ConfigurationError
 */
export function keyOf(given: string | undefined): string | undefined {
  if (given !== undefined) checkWord("apiKey", given);
  return given;
}

/**
 * Refuses a word that is not visible ASCII. The word itself is not told: it may be a secret.
 *
 * @throws ConfigurationError
 */
export function checkWord(name: string, given: string): void {
  if (typeof given !== "string" || given === "") throw new ConfigurationError(`${name} is empty`, name);
  if (!VISIBLE_ASCII.test(given)) throw new ConfigurationError(`${name} has a sign that is not visible ASCII, such as a blank, a line's end or an accent`, name);
}

/**
 * The program's own headers. What pairs say twice goes out with both values.
 *
 * @throws ConfigurationError where the platform takes a name or a value for none
 */
export function headersIn(given: GivenHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of isPairs(given) ? given : Object.entries(given)) put(name, () => headers.append(name, value));
  return headers;
}

/**
 * Sets a header of the program's own.
 *
 * @throws ConfigurationError where the platform takes its name or its value for none
 */
export function setHeader(headers: Headers, name: string, value: string): void {
  put(name, () => headers.set(name, value));
}

/** Whether it is read by pairs, as `Headers` and arrays are: a table of names has no such thing. */
function isPairs(given: GivenHeaders): given is Headers | readonly (readonly [string, string])[] {
  return Symbol.iterator in given;
}

function put(name: string, work: () => void): void {
  try {
    work();
  } catch {
    // Without the platform's own words: they have the value, which may be a secret.
    throw new ConfigurationError(`the header ${JSON.stringify(name)} cannot be sent: its name or its value has a sign that headers have not`, name);
  }
}

function parsed(given: string, base: string | undefined): URL | undefined {
  try {
    return new URL(given, base);
  } catch {
    return undefined;
  }
}
