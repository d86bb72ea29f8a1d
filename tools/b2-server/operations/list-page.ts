import { S3Error } from "../s3-error.ts";
import { encodeUri } from "../signature/canonical-request.ts";
import type { XmlElement } from "../xml/format-xml.ts";

// The largest page in S3, for keys, versions, parts and uploads.
const MAX_PAGE = 1000;

/** Returns the page size that a query parameter such as `max-keys` asks for, at most 1,000. */
export function readLimit(query: ReadonlyMap<string, string>, name: string): number {
  const text = query.get(name);
  if (text === undefined || text === "") return MAX_PAGE;
  if (!/^\d{1,9}$/.test(text)) throw new S3Error("InvalidArgument", `${name} is not a number`);
  return Math.min(Number(text), MAX_PAGE);
}

/** The page of a list that a client asks for. */
export interface PageRequest {
  readonly prefix: string;
  /** Keys are grouped up to this text. Empty: keys are not grouped. */
  readonly delimiter: string;
  /** The key or common prefix at which the previous page ended. Empty for the first page. */
  readonly marker: string;
  readonly limit: number;
}

/** One page of a list. */
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  readonly truncated: boolean;
  /** The last entry or common prefix; its marker starts the next page. */
  readonly last: { readonly marker: string; readonly entry: Entry | undefined } | undefined;
}

/**
 * Collects one page of a list. Keys that share the text up to the delimiter become
 * one common prefix. `keys` must be in order and begin at the prefix or the
 * marker. `entriesOf` returns the entries of a key after the marker, and none for
 * a hidden object.
 */
export function collectPage<Entry>(
  keys: Iterable<string>,
  entriesOf: (key: string) => readonly Entry[],
  request: PageRequest,
): Page<Entry> {
  const { prefix, delimiter, limit } = request;
  const done = listedPrefix(request);
  const entries: Entry[] = [];
  const commonPrefixes: string[] = [];
  let last: Page<Entry>["last"];
  const finish = (truncated: boolean): Page<Entry> => ({
    entries,
    commonPrefixes,
    truncated,
    last,
  });
  if (limit === 0) return finish(false);
  for (const key of keys) {
    if (!key.startsWith(prefix)) break;
    if (done !== undefined && key.startsWith(done)) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const group = end === -1 ? undefined : key.slice(0, end + delimiter.length);
    if (group !== undefined && group === commonPrefixes.at(-1)) continue;
    for (const entry of entriesOf(key)) {
      if (entries.length + commonPrefixes.length === limit) return finish(true);
      if (group !== undefined) {
        commonPrefixes.push(group);
        last = { marker: group, entry: undefined };
        break;
      }
      entries.push(entry);
      last = { marker: key, entry };
    }
  }
  return finish(false);
}

// If the marker is a common prefix, the previous page covered every key under it.
function listedPrefix({ prefix, delimiter, marker }: PageRequest): string | undefined {
  const rolledUp = delimiter !== "" && marker.endsWith(delimiter) && marker.length > prefix.length;
  return rolledUp ? marker : undefined;
}

export type EncodeName = (name: string) => string;

/**
 * Returns the function that encodes names in a list: unchanged, or percent-encoded
 * for `encoding-type=url`.
 */
export function chooseNameEncoding(query: ReadonlyMap<string, string>): EncodeName {
  const encoding = query.get("encoding-type");
  if (encoding === undefined) return (name) => name;
  if (encoding !== "url") throw new S3Error("InvalidArgument", "encoding-type must be url");
  return (name) => encodeUri(name).replaceAll("%2F", "/");
}

export function formatCommonPrefixes(
  prefixes: readonly string[],
  encode: EncodeName,
): readonly XmlElement[] {
  return prefixes.map((prefix): XmlElement => ["CommonPrefixes", [["Prefix", encode(prefix)]]]);
}

/** Returns an element with the value, or no element if the value is `undefined`. */
export function formatOptional(name: string, value: string | undefined): readonly XmlElement[] {
  return value === undefined ? [] : [[name, value]];
}
