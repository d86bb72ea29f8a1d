import { FAILURES } from "../../../api/failures/failures.ts";
import { hasScope } from "../../../api/tokens.ts";
import { type Finding, isFailure } from "../../../checks/finding.ts";
import { formatReportJson } from "../../../checks/report.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import { createBucketMeter } from "../../bucket/bucket.ts";
import type { CacheReads, CacheScope } from "../../caches/cache-scope.ts";
import { toFailure } from "../../failure-response.ts";
import { findTokenEntry } from "../admit.ts";
import { checkAbsences } from "./check-absences.ts";
import { checkCatalog } from "./check-catalog.ts";
import { checkPins } from "./check-pins.ts";
import type { Exchange } from "../exchange.ts";

/**
 * GET `/healthz`: answers `ok` to everyone, so that a monitor can see that the
 * worker runs. An admin token gets the findings about the settings and the bucket,
 * and 503 if one of them fails.
 */
export async function readHealth(exchange: Exchange): Promise<Response> {
  const token = await findTokenEntry(exchange);
  if (token === undefined || !hasScope(token, "admin")) {
    return new Response("ok\n", { headers: answerHeaders("text/plain", CACHE_CONTROL.never) });
  }
  const { reads } = exchange.cache;
  const bucket = reads.ok ? await checkBucket(reads.value, exchange) : SKIPPED_BUCKET;
  const findings = [
    ...checkSettings(exchange.cache),
    bucket,
    ...(reads.ok ? await checkAbsences(reads.value, exchange) : []),
    ...(await checkCatalog(exchange)),
    ...(bucket.verdict === "ok" ? await checkPins(exchange) : []),
  ];
  return new Response(formatReportJson({ subject: "gateway", findings }), {
    status: findings.some(isFailure) ? 503 : 200,
    headers: answerHeaders("application/json", CACHE_CONTROL.never),
  });
}

const SKIPPED_BUCKET: Finding = {
  check: "bucket",
  verdict: "skipped",
  says: "its settings are wrong",
};

/** Returns a finding for each wrong setting. It never holds a value, which may be a secret. */
function checkSettings({ reads, pushes }: CacheScope): readonly Finding[] {
  const problems = [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)];
  if (problems.length === 0) return [{ check: "settings", verdict: "ok", says: "all are valid" }];
  return problems.map(({ setting, problem }) => ({
    check: setting,
    verdict: "FAIL",
    says: problem,
    remedy: "Correct it in wrangler.toml or with wrangler secret put, and deploy again.",
  }));
}

/** Lists one key. That works only with right keys and an existing bucket, and uses no download cap. */
async function checkBucket(cache: CacheReads, { gateway, meter }: Exchange): Promise<Finding> {
  const check = "bucket";
  const probe = createBucketMeter();
  try {
    await gateway.openBucket(cache, probe).list("", { limit: 1 });
    return { check, verdict: "ok", says: `answers a listing in ${probe.milliseconds} ms` };
  } catch (error) {
    const { code } = toFailure(error);
    return {
      check,
      verdict: "FAIL",
      says: `${code}: ${FAILURES[code].message}`,
      remedy: "The log has the bucket's own answer. npm run canary tries the bucket.",
    };
  } finally {
    meter.requests += probe.requests;
    meter.milliseconds += probe.milliseconds;
  }
}
