import { hasScope } from "../../../api/scopes.ts";
import { createBucketMeter } from "../../bucket/bucket.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import type { CacheReads } from "../../caches/cache-scope.ts";
import { toFailure } from "../../failure-response.ts";
import { findTokenEntry } from "../admit.ts";
import type { Exchange } from "../exchange.ts";

/**
 * GET `/healthz`: answers `ok` to everyone, so that a monitor can see that the
 * worker runs. An admin token sees the problems of the settings and the bucket.
 */
export async function readHealth(exchange: Exchange): Promise<Response> {
  const token = await findTokenEntry(exchange);
  if (token === undefined || !hasScope(token, "admin")) {
    return new Response("ok\n", { headers: answerHeaders("text/plain", CACHE_CONTROL.never) });
  }
  const { reads, pushes } = exchange.cache;
  const problems = [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)];
  const bucket = reads.ok
    ? await probeBucket(reads.value, exchange)
    : { ok: false, fault: "misconfigured" };
  return Response.json(
    { configuration: { ok: problems.length === 0, problems }, bucket },
    {
      status: problems.length === 0 && bucket.ok ? 200 : 503,
      headers: answerHeaders("application/json", CACHE_CONTROL.never),
    },
  );
}

/** Lists one key. That works only with right keys and an existing bucket, and uses no download cap. */
async function probeBucket(cache: CacheReads, { gateway, meter }: Exchange) {
  const probe = createBucketMeter();
  try {
    await gateway.openBucket(cache, probe).list("", { limit: 1 });
    return { ok: true, milliseconds: probe.milliseconds };
  } catch (error) {
    return { ok: false, fault: toFailure(error).code };
  } finally {
    meter.requests += probe.requests;
    meter.milliseconds += probe.milliseconds;
  }
}
