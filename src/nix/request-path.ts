import { err, ok, type Result } from "../result.ts";

/** What S3 allows in a key. The longest name that Nix gives has 475 bytes: `build-trace-v2/…/….doi`. */
const MAX_PATH_BYTES = 1024;

/**
 * Splits a raw request path at its slashes and then decodes each segment, once.
 *
 * In this order an encoded slash cannot make a segment, nor "%252e%252e" a
 * step upwards. Whatever a proxy, a bucket or a person could take for another
 * path is refused, not repaired: one object has one name. Errors never quote
 * the path.
 */
export function decodeRequestPath(rawPath: string): Result<readonly string[]> {
  // Three characters encode a byte, so nothing longer can be short enough.
  if (rawPath.length > 1 + 3 * MAX_PATH_BYTES) return err("the path is too long");
  if (!rawPath.startsWith("/")) return err("the path does not begin with a slash");
  if (/[?#]/.test(rawPath)) return err("the path holds a query or a fragment");
  const segments: string[] = [];
  for (const rawSegment of rawPath.slice(1).split("/")) {
    const segment = decodeSegment(rawSegment);
    if (!segment.ok) return segment;
    segments.push(segment.value);
  }
  // A character takes three bytes at most, so most paths need no counting.
  if (
    rawPath.length * 3 > MAX_PATH_BYTES &&
    new TextEncoder().encode(segments.join("/")).length > MAX_PATH_BYTES
  ) {
    return err("the path is too long");
  }
  return ok(segments);
}

function decodeSegment(rawSegment: string): Result<string> {
  let segment: string;
  try {
    segment = decodeURIComponent(rawSegment);
  } catch {
    return err("the path is not percent-encoded UTF-8");
  }
  if (segment === "") return err("the path has an empty segment");
  // Only these two: a store path may be named hm_..zlogout.drv.
  if (segment === "." || segment === "..") return err('the path has a segment "." or ".."');
  if (segment.includes("/")) return err("the path holds an encoded slash");
  if (segment.includes("\\")) return err("the path holds a backslash");
  if (/\p{Cc}/u.test(segment)) return err("the path holds a control character");
  return ok(segment);
}
