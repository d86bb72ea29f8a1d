import { type CacheClient, CacheRefusal, refusalOf } from "../../client/gateway/cache-client.ts";
import type { HttpAnswer } from "../../client/gateway/http-client.ts";
import { type EdgeReads, readUntilEdgeHit } from "../../client/gateway/cloudflare-answers.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { PathArgument } from "../closure/path-argument.ts";
import type { Finding } from "../../checks/finding.ts";
import { faultRemedy } from "./fault-remedy.ts";

const CHECK = "edge";

/**
 * Checks that the edge answers the second read of a path. `reader` must have the
 * same access as most clients of the cache.
 */
export async function examineEdge(
  reader: CacheClient,
  path: PathArgument,
  { sleep }: Pick<ProcessContext, "sleep">,
): Promise<Finding> {
  const target = `${path.hash}.narinfo`;
  try {
    const { status } = await read(reader, target);
    if (status !== 200) {
      // With BUCKET_DOWN=miss the gateway answers 404 for a narinfo while the bucket is
      // down, and for no other object.
      await read(reader, `${path.hash}.ls`);
      const says = `the cache answers ${status} for ${path.text}, so there is nothing to read twice`;
      const remedy = "Give a token that may push, or use --path to name a path that the cache has.";
      return { check: CHECK, verdict: "skipped", says, remedy };
    }
    return judgeReads(
      await readUntilEdgeHit(async () => (await read(reader, target)).headers, sleep),
    );
  } catch (error) {
    if (!(error instanceof CacheRefusal)) throw error;
    const { message, status } = error;
    return { check: CHECK, verdict: "FAIL", says: message, remedy: faultRemedy(status) };
  }
}

/** Throws a `CacheRefusal` for a 5xx answer: the cache fails, and says nothing about the path. */
async function read(reader: CacheClient, target: string): Promise<HttpAnswer> {
  const answer = await reader.send({ method: "GET", target });
  if (answer.status >= 500) throw refusalOf(`GET ${target}`, answer);
  return answer;
}

function judgeReads({ outcome, attempts }: EdgeReads): Finding {
  if (outcome === "hit") {
    const says = "the second read of a path comes from the edge";
    return { check: CHECK, verdict: "ok", says };
  }
  return {
    check: CHECK,
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
