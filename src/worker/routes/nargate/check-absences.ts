import type { Finding } from "../../../checks/finding.ts";
import type { AbsenceState } from "../../absence/known-absences.ts";
import type { CacheReads } from "../../caches/cache-scope.ts";
import type { Exchange } from "../exchange.ts";

const check = "absences";

/** What an admin is told about ABSENT=filter. "PREFIX" stands for B2_PREFIX. */
const FINDINGS: Record<AbsenceState, Omit<Finding, "check">> = {
  told: { verdict: "ok", says: "the filter answers for absent narinfos" },
  "not-looked": { verdict: "skipped", says: "the bucket answers: this isolate has just started" },
  "no-filter": { verdict: "skipped", says: "the bucket answers until a filter is built" },
  unconfirmed: {
    verdict: "skipped",
    says: "the bucket answers until a second listing, 10 minutes after the first, confirms the filter",
  },
  "other-deployment": {
    verdict: "skipped",
    says: "the bucket answers: the filter is of another deployment, and a new one will be built",
  },
  "too-old": { verdict: "skipped", says: "the bucket answers until the filter is built again" },
  unclear: {
    verdict: "skipped",
    says: "the bucket answers: too many publications since the last filter, or objects of another version",
  },
  "bucket-failed": { verdict: "skipped", says: "the last look at the bucket failed" },
  "too-many-paths": {
    verdict: "warn",
    says: "the bucket answers: the cache has more than 1,048,576 paths",
    remedy: 'Set ABSENT = "bucket", because the filter cannot be built.',
  },
  off: {
    verdict: "warn",
    says: "switched off: a narinfo was published past this gateway",
    remedy:
      "Find out who else writes into the bucket; the log has absence-foreign-narinfo. When only this gateway writes, delete the object PREFIX.nargate/absence/off.",
  },
  "no-deployment": {
    verdict: "warn",
    says: "the bucket answers: the platform does not name the deployment",
    remedy: "Add [version_metadata] to wrangler.toml, as in wrangler.toml of Nargate.",
  },
};

/** Returns who answers for absent narinfos. Nothing if ABSENT is "bucket". */
export async function checkAbsences(
  cache: CacheReads,
  { gateway }: Exchange,
): Promise<readonly Finding[]> {
  const absences = gateway.openAbsences(cache);
  if (absences === undefined) return [];
  await absences.refresh();
  const { remedy, ...finding } = FINDINGS[absences.state];
  const action = remedy?.replace("PREFIX", cache.bucket.prefix);
  return [{ check, ...finding, ...(action === undefined ? {} : { remedy: action }) }];
}
