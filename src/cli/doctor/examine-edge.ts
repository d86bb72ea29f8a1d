import type { CacheClient } from "../../client/gateway/cache-client.ts";
import { readUntilEdgeHit } from "../../client/gateway/cloudflare-answers.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { PathArgument } from "../closure/path-argument.ts";
import type { Finding } from "../../checks/finding.ts";

/** Whether the edge answers when a path is read again. `reader` is as most clients are. */
export async function examineEdge(
  reader: CacheClient,
  path: PathArgument,
  { sleep }: Pick<ProcessContext, "sleep">,
): Promise<Finding> {
  const check = "edge";
  const target = `${path.hash}.narinfo`;
  const { status } = await reader.send({ method: "GET", target });
  if (status !== 200) {
    const says = `no path to read twice (${path.text}: ${status})`;
    const remedy = "Give a token that may push, or name a path that the cache has with --path.";
    return { check, verdict: "skipped", says, remedy };
  }
  const { outcome, attempts } = await readUntilEdgeHit(
    async () => (await reader.send({ method: "GET", target })).headers,
    sleep,
  );
  if (outcome === "hit") {
    const says = "a path that is read again comes from the edge";
    return { check, verdict: "ok", says };
  }
  return {
    check,
    verdict: "warn",
    says: `${outcome === "unknown" ? "no Server-Timing" : `edge ${outcome}`}, ${attempts} times`,
    remedy: REMEDIES[outcome] ?? "Something between here and the gateway takes Server-Timing away.",
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  bypass: "EDGE is off in the gateway's settings: every read asks the bucket.",
  miss: "On workers.dev only EDGE=workers-cache keeps anything.",
};
