import { S3Error } from "../s3-error.ts";
import { encodeUri } from "../signature/canonical-request.ts";
import type { XmlElement } from "../xml/format-xml.ts";

// S3's largest page, of keys, versions, parts and uploads alike.
const MAX_PAGE = 1000;

/** Reads a page's size, as in `max-keys`. */
export function readLimit(query: ReadonlyMap<string, string>, name: string): number {
  const text = query.get(name);
  if (text === undefined || text === "") return MAX_PAGE;
  if (!/^\d{1,9}$/.test(text)) throw new S3Error("InvalidArgument", `${name} is not a number`);
  return Math.min(Number(text), MAX_PAGE);
}

export interface PageRequest {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Where the last page ended: a key, or a common prefix. Empty at first. */
  readonly marker: string;
  readonly limit: number;
}

export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  readonly truncated: boolean;
  /** What came last: the marker of the next page. */
  readonly last: { readonly marker: string; readonly entry: Entry | undefined } | undefined;
}

/**
 * Collects one page of a list, with what follows the delimiter rolled up.
 * `keys` are in order, and none precedes prefix or marker; `entriesOf` gives a
 * key's entries past the marker, none for a hidden object.
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

// A marker that is a common prefix stands for every key under it.
function listedPrefix({ prefix, delimiter, marker }: PageRequest): string | undefined {
  const rolledUp = delimiter !== "" && marker.endsWith(delimiter) && marker.length > prefix.length;
  return rolledUp ? marker : undefined;
}

export type EncodeName = (name: string) => string;

/** How a list writes names: as they are, or with `encoding-type=url`. */
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

/** An element for a parameter, if it was given. */
export function formatOptional(name: string, value: string | undefined): readonly XmlElement[] {
  return value === undefined ? [] : [[name, value]];
}
