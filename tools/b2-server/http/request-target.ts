import { err, ok, type Result } from "../../../src/result.ts";
import { S3Error } from "../s3-error.ts";

export type QueryPair = readonly [name: string, value: string];

/** A parsed request target in path style: `/bucket/key?query`. */
export interface RequestTarget {
  /** The whole path, percent-decoded, with its leading slash. */
  readonly path: string;
  /** Empty for a request to the service itself. */
  readonly bucket: string;
  /** Empty for a request to the bucket itself. */
  readonly key: string;
  /** All query parameters, decoded, in the order sent. The signature covers duplicates too. */
  readonly pairs: readonly QueryPair[];
  /** The first value of each query parameter. */
  readonly query: ReadonlyMap<string, string>;
}

const MAX_KEY_BYTES = 1024;

// Backblaze refuses control characters, including the tab, and XML 1.0 cannot
// represent them in a list.
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/**
 * Parses a raw request target in path style. As in S3, "+" stays "+" in the path
 * and means a space in the query.
 */
export function parseRequestTarget(raw: string): Result<RequestTarget, S3Error> {
  const mark = raw.indexOf("?");
  const rawPath = mark === -1 ? raw : raw.slice(0, mark);
  const rawQuery = mark === -1 ? "" : raw.slice(mark + 1);
  const path = decodePercent(rawPath);
  const pairs = parseQuery(rawQuery);
  if (path === undefined || pairs === undefined || !path.startsWith("/")) {
    return err(new S3Error("InvalidURI"));
  }
  const slash = path.indexOf("/", 1);
  const bucket = slash === -1 ? path.slice(1) : path.slice(1, slash);
  const key = slash === -1 ? "" : path.slice(slash + 1);
  const query = new Map<string, string>();
  for (const [name, value] of pairs) if (!query.has(name)) query.set(name, value);
  return ok({ path, bucket, key, pairs, query });
}

/** Returns the key if both S3 and B2 accept it as an object's name, else their error. */
export function checkObjectKey(key: string): Result<string, S3Error> {
  if (CONTROL_CHARACTER.test(key)) {
    return err(new S3Error("InvalidRequest", "File names must not contain control characters"));
  }
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return err(new S3Error("KeyTooLongError"));
  return ok(key);
}

/** Decodes percent escapes. Returns `undefined` if the result is not well-formed UTF-8. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parseQuery(raw: string): readonly QueryPair[] | undefined {
  const pairs: QueryPair[] = [];
  for (const part of raw.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = decodeQueryText(equals === -1 ? part : part.slice(0, equals));
    const value = decodeQueryText(equals === -1 ? "" : part.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return pairs;
}

function decodeQueryText(text: string): string | undefined {
  return decodePercent(text.replaceAll("+", " "));
}
