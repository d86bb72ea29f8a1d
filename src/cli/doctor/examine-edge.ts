import type { CacheClient } from "../../client/gateway/cache-client.ts";
import { readUntilEdgeHit } from "../../client/gateway/cloudflare-answers.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { PathArgument } from "../closure/path-argument.ts";
import type { Finding } from "../../checks/finding.ts";

/**
 * Checks that the edge answers the second read of a path. `reader` must have the
 * same access as most clients of the cache.
 */
export async function examineEdge(
  reader: CacheClient,
  path: PathArgument,
  { sleep }: Pick<ProcessContext, "sleep">,
): Promise<Finding> {
  const check = "edge";
  const target = `${path.hash}.narinfo`;
  const { status } = await reader.send({ method: "GET", target });
  if (status !== 200) {
    const says = `the cache answers ${status} for ${path.text}, so there is nothing to read twice`;
    const remedy = "Give a token that may push, or use --path to name a path that the cache has.";
    return { check, verdict: "skipped", says, remedy };
  }
  const { outcome, attempts } = await readUntilEdgeHit(
    async () => (await reader.send({ method: "GET", target })).headers,
    sleep,
  );
  if (outcome === "hit") {
    const says = "the second read of a path comes from the edge";
    return { check, verdict: "ok", says };
  }
  return {
    check,
    verdict: "warn",
    says: `${outcome === "unknown" ? "no Server-Timing header" : `edge ${outcome}`}, in ${attempts} attempts`,
    remedy:
      REMEDIES[outcome] ??
      "Look for a proxy between this machine and the gateway that removes Server-Timing.",
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  bypass:
    "EDGE is off in the gateway's settings, so every read asks the bucket. Set EDGE to workers-cache.",
  miss: "On workers.dev, set EDGE to workers-cache: cache-api keeps nothing there.",
};
