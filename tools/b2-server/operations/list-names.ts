import { S3Error } from "../s3-error.ts";
import { encodeUri } from "../signature/canonical-request.ts";
import type { XmlElement } from "../xml/format-xml.ts";

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
