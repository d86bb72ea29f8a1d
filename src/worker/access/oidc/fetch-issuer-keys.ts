import type { JSONWebKeySet } from "jose";
import { isJsonObject } from "../../../settings/json-entries.ts";
import { parseSecureUrl } from "../../../http/secure-url.ts";

/** The functions by which the verifier reaches an issuer. */
export interface KeyFetch {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Returns a signal that aborts after this number of milliseconds. */
  readonly timeout: (milliseconds: number) => AbortSignal;
}

/** The time limit for both documents of an issuer together. */
export const FETCH_DEADLINE_MILLISECONDS = 3000;

// GitHub's key set with its certificates has 10 KB. An issuer with larger keys
// still fits, and no issuer can fill the isolate's memory.
const MAX_DOCUMENT_BYTES = 256 * 1024;

/**
 * Returns the key set that an issuer publishes now, found by OpenID Connect
 * Discovery. Throws if the issuer answers without a key set, if its discovery
 * document names another issuer, or if both documents take more than 3 seconds.
 */
export async function fetchIssuerKeys(
  issuer: string,
  { fetch, timeout }: KeyFetch,
): Promise<JSONWebKeySet> {
  const signal = timeout(FETCH_DEADLINE_MILLISECONDS);

  async function fetchDocument(url: string): Promise<unknown> {
    const response = await fetch(url, {
      headers: { accept: "application/json", "user-agent": "nargate" },
      // If an attacker can make the issuer redirect, the redirect must not choose
      // where the keys come from.
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

  // A final slash of the issuer must not become two (Discovery 1.0, section 4.1).
  const discovery = await fetchDocument(
    `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`,
  );
  if (!isJsonObject(discovery) || discovery["issuer"] !== issuer) {
    throw new Error(`the discovery document of ${issuer} names another issuer`);
  }
  const keysUrl = discovery["jwks_uri"];
  if (typeof keysUrl !== "string" || parseSecureUrl(keysUrl) === undefined) {
    throw new Error(`the discovery document of ${issuer} has no jwks_uri with an https URL`);
  }
  const keySet = await fetchDocument(keysUrl);
  if (!isKeySet(keySet)) throw new Error(`${keysUrl} answered without a key set`);
  return keySet;
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_DOCUMENT_BYTES)
      throw new RangeError(`the answer is longer than ${MAX_DOCUMENT_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isJsonObject(value) && Array.isArray(value["keys"]) && value["keys"].every(isJsonObject);
}
