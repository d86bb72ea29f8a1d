import type { JSONWebKeySet } from "jose";
import { isJsonObject } from "../../../settings/json-entries.ts";
import { parseSecureUrl } from "../../../http/secure-url.ts";

/** The way out. */
export interface KeyFetch {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Aborts after so many milliseconds. */
  readonly timeout: (milliseconds: number) => AbortSignal;
}

/** For both documents together. */
export const FETCH_DEADLINE_MILLISECONDS = 3000;

// GitHub's keys, certificates included, have 10 KB.
const MAX_DOCUMENT_BYTES = 256 * 1024;

/**
 * The keys that an issuer publishes now, found by OpenID Connect Discovery.
 * Throws where it gives none, gives them for another name, or is too slow.
 */
export async function fetchIssuerKeys(
  issuer: string,
  { fetch, timeout }: KeyFetch,
): Promise<JSONWebKeySet> {
  const signal = timeout(FETCH_DEADLINE_MILLISECONDS);

  async function fetchDocument(url: string): Promise<unknown> {
    const response = await fetch(url, {
      headers: { accept: "application/json", "user-agent": "nargate" },
      // An issuer that can be made to redirect must not name the keys' place.
      redirect: "manual",
      cache: "no-store",
      signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`${url} answered ${response.status}`);
    }
    return JSON.parse(await readText(response));
  }

  // A final slash of the issuer is not doubled (Discovery 1.0, section 4.1).
  const discovery = await fetchDocument(
    `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`,
  );
  if (!isJsonObject(discovery) || discovery["issuer"] !== issuer) {
    throw new Error(`the discovery document of ${issuer} is not its own`);
  }
  const keysUrl = discovery["jwks_uri"];
  if (typeof keysUrl !== "string" || parseSecureUrl(keysUrl) === undefined) {
    throw new Error(`the discovery document of ${issuer} names no https jwks_uri`);
  }
  const keySet = await fetchDocument(keysUrl);
  if (!isKeySet(keySet)) throw new Error(`${keysUrl} is not a key set`);
  return keySet;
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_DOCUMENT_BYTES) throw new RangeError("an answer is too long");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isJsonObject(value) && Array.isArray(value["keys"]) && value["keys"].every(isJsonObject);
}
