import { err, ok, type Result } from "../result.ts";

/**
 * The longest key that S3 allows. The longest name that Nix writes has 475
 * bytes: `build-trace-v2/` 15 + `<drv>` 244 + "/" 1 + `<output>` 211 + `.doi` 4.
 */
const MAX_PATH_BYTES = 1024;

/**
 * Returns the segments of a raw request path, decoded. It first splits the path
 * at its slashes, and then decodes each segment once.
 *
 * The order matters: an encoded slash cannot make a new segment, and
 * "%252e%252e" cannot become a step upwards. A path that a proxy, a bucket or a
 * person could take for another path is refused and never repaired, so that one
 * object has one name. Errors never quote the path.
 */
export function decodeRequestPath(rawPath: string): Result<readonly string[]> {
  // Percent-encoding takes at most three characters for one byte.
  if (rawPath.length > 1 + 3 * MAX_PATH_BYTES) return err("the path is too long");
  if (!rawPath.startsWith("/")) return err("the path does not begin with a slash");
  if (/[?#]/.test(rawPath)) return err("the path holds a query or a fragment");
  const segments: string[] = [];
  for (const rawSegment of rawPath.slice(1).split("/")) {
    const segment = decodeSegment(rawSegment);
    if (!segment.ok) return segment;
    segments.push(segment.value);
  }
  // One UTF-16 unit takes at most three bytes, so a short path needs no exact count.
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
  // Other segments with ".." are allowed: a store path may be named hm_..zlogout.drv.
  if (segment === "." || segment === "..") return err('a segment of the path is "." or ".."');
  if (segment.includes("/")) return err("the path holds an encoded slash");
  if (segment.includes("\\")) return err("the path holds a backslash");
  if (/\p{Cc}/u.test(segment)) return err("the path holds a control character");
  return ok(segment);
}
