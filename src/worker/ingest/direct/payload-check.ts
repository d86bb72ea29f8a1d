import { GATEWAY_PROBE_SIZES, probePayloadCheck } from "../../../checks/payload-probe.ts";
import { PAYLOAD_HEADERS } from "../../../http/payload-header.ts";
import { PAYLOAD_CHECK_PATH } from "../../bucket/nargate-path.ts";
import type { PayloadCheck, Push } from "../push-context.ts";
import { detailOf } from "../../log.ts";

/** A result that is kept in the bucket. It holds for one bucket alone: objects can be copied to another. */
interface KeptCheck {
  readonly bucketId: string;
  readonly at: Date;
  readonly check: Exclude<PayloadCheck, { kind: "unknown" }>;
  /** Whether the bucket once stored other bytes than it proved. Such a result never expires. */
  readonly isFinal: boolean;
}

const MINUTE_MILLISECONDS = 60_000;
/** The provider may change its servers. */
const VALID_MILLISECONDS = 7 * 24 * 60 * MINUTE_MILLISECONDS;
/** How soon an isolate learns that another one has found wrong bytes. */
const REMEMBERED_MILLISECONDS = 10 * MINUTE_MILLISECONDS;
/** Longer than a probe takes. */
const PROBING_MILLISECONDS = 2 * MINUTE_MILLISECONDS;
const MAX_KEPT_BYTES = 16 * 1024;

/**
 * Returns who proves the bytes of a NAR that a client sends straight to the bucket. Probes
 * the bucket if no result of the last week is kept. Never throws.
 */
export async function findPayloadCheck(push: Push): Promise<PayloadCheck> {
  const { cache, memory, clock } = push;
  const now = clock.now().getTime();
  const known = memory.payloadChecks.get(cache.bucketId);
  if (known !== undefined && now < known.until) return known.check;
  const check = (await readKept(push)) ?? (await probe(push));
  // Wrong bytes may have been found meanwhile.
  const distrusted = memory.payloadChecks.get(cache.bucketId);
  if (distrusted?.until === Infinity) return distrusted.check;
  const until = clock.now().getTime() + REMEMBERED_MILLISECONDS;
  memory.payloadChecks.set(cache.bucketId, { check, until });
  return check;
}

/**
 * Switches the proof by the bucket off for good, because the bucket stored other bytes
 * than it proved. An administrator switches it on again by deleting the object.
 */
export async function distrustBucket(push: Push): Promise<void> {
  const { cache, memory, clock } = push;
  const check = { kind: "unchecked", because: "stored other bytes than it had proved" } as const;
  memory.payloadChecks.set(cache.bucketId, { check, until: Infinity });
  await keep({ bucketId: cache.bucketId, at: clock.now(), check, isFinal: true }, push);
}

async function readKept({ bucket, cache, clock }: Push): Promise<PayloadCheck | undefined> {
  try {
    const stored = await bucket.read(PAYLOAD_CHECK_PATH, MAX_KEPT_BYTES);
    if (stored === undefined || stored === "too-large") return undefined;
    const kept = parseKept(new TextDecoder().decode(stored.bytes));
    if (kept === undefined || kept.bucketId !== cache.bucketId) return undefined;
    const age = clock.now().getTime() - kept.at.getTime();
    return kept.isFinal || (age >= 0 && age < VALID_MILLISECONDS) ? kept.check : undefined;
  } catch {
    // Nobody knows whether the way is switched off.
    return { kind: "unknown" };
  }
}

/** Probes the bucket by each header, once at a time in each isolate. */
async function probe(push: Push): Promise<PayloadCheck> {
  const { cache, memory, clock, log } = push;
  const { bucketId } = cache;
  const startedAt = memory.probesStartedAt.get(bucketId) ?? -Infinity;
  if (clock.now().getTime() - startedAt < PROBING_MILLISECONDS) return { kind: "unknown" };
  memory.probesStartedAt.set(bucketId, clock.now().getTime());
  const reasons: string[] = [];
  for (const header of PAYLOAD_HEADERS) {
    const finding = await probePayloadCheck(push.openProbe(header), GATEWAY_PROBE_SIZES);
    const { detail, because } = { because: undefined, detail: undefined, ...finding };
    log("info", "payload-probe", { header, found: finding.kind, because, detail });
    if (finding.kind === "unknown") return finding;
    if (finding.kind === "checked") {
      const check = { kind: "checked", header } as const;
      // Another isolate may have found wrong bytes meanwhile. That result must stay.
      const other = await readKept(push);
      if (other?.kind === "unchecked" || other?.kind === "unknown") return other;
      await keep({ bucketId, at: clock.now(), check, isFinal: false }, push);
      return check;
    }
    reasons.push(`${finding.because} (${header})`);
    // A second probe would also go beyond the 50 subrequests of the free plan.
    if (finding.isHashChecked) break;
  }
  const check = { kind: "unchecked", because: reasons.join(", ") } as const;
  await keep({ bucketId, at: clock.now(), check, isFinal: false }, push);
  return check;
}

/** Keeps a result. If the bucket does not take it, each isolate finds out by itself. */
async function keep(kept: KeptCheck, { bucket, log }: Push): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(kept)) as Uint8Array<ArrayBuffer>;
  try {
    await bucket.put(PAYLOAD_CHECK_PATH, bytes, { contentType: "application/json" });
  } catch (error) {
    const detail = detailOf(error);
    log("warn", "payload-check-not-kept", { path: PAYLOAD_CHECK_PATH, detail });
  }
}

/** Returns `undefined` for anything that this version does not write. */
function parseKept(text: string): KeptCheck | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { bucketId, at, check, isFinal } = value as Record<string, unknown>;
  if (typeof bucketId !== "string" || typeof at !== "string" || typeof isFinal !== "boolean") {
    return undefined;
  }
  const time = new Date(at);
  const parsed = parseCheck(check);
  if (Number.isNaN(time.getTime()) || parsed === undefined) return undefined;
  return { bucketId, at: time, check: parsed, isFinal };
}

function parseCheck(value: unknown): KeptCheck["check"] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, header, because } = value as Record<string, unknown>;
  if (kind === "unchecked" && typeof because === "string") return { kind, because };
  const known = PAYLOAD_HEADERS.find((one) => one === header);
  return kind === "checked" && known !== undefined ? { kind, header: known } : undefined;
}
