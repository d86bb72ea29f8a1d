import { S3Error } from "../s3-error.ts";

// S3's largest page, of keys, versions, parts and uploads alike.
const MAX_PAGE = 1000;

/** Reads a page's size, as in `max-keys`. */
export function readLimit(query: ReadonlyMap<string, string>, name: string): number {
  const text = query.get(name);
  if (text === undefined || text === "") return MAX_PAGE;
  if (!/^\d{1,9}$/.test(text)) throw new S3Error("InvalidArgument", `${name} is not a number`);
  return Math.min(Number(text), MAX_PAGE);
}
