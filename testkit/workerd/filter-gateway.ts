import { ABSENCE_RULES, type AbsenceRules } from "../../src/worker/absence/absence-rules.ts";
import {
  createKnownAbsences,
  type KnownAbsences,
} from "../../src/worker/absence/known-absences.ts";
import { createBucketMeter } from "../../src/worker/bucket/bucket.ts";
import type { CacheReads } from "../../src/worker/caches/cache-scope.ts";
import { platformClock } from "../../src/worker/clock.ts";
import type { Gateway } from "../../src/worker/gateway.ts";
import { startGateway, type TestGateway } from "./gateway.ts";

/** The rules without pauses. The bucket tells times in seconds, so a probation of one is the least. */
const QUICK_RULES: AbsenceRules = {
  ...ABSENCE_RULES,
  refreshMilliseconds: 0,
  stepMilliseconds: 0,
  idleMilliseconds: 0,
  leaseMilliseconds: 0,
  probationMilliseconds: 1000,
};

export interface FilterGateway extends TestGateway {
  readonly absences: KnownAbsences;
  /** Looks up paths until the gateway has a confirmed filter and a look at the folder. */
  confirm(): Promise<void>;
  /** Returns the absences that another isolate knows, which has looked at nothing yet. */
  openOther(deployment?: string): KnownAbsences;
}

/** Starts a gateway with ABSENT=filter. */
export async function startFilterGateway(
  settings: Record<string, string> = {},
  rules: Partial<AbsenceRules> = {},
  limit: (gateway: Gateway) => Gateway = (gateway) => gateway,
): Promise<FilterGateway> {
  let openOther: FilterGateway["openOther"] | undefined;
  let absences: KnownAbsences | undefined;
  const started = await startGateway({ ABSENT: "filter", ...settings }, undefined, (whole) => {
    const gateway = limit(whole);
    const { reads } = gateway.caches.find(new Request("https://cache.example.org/"));
    const cache = reads.ok ? reads.value : undefined;
    openOther = (deployment = "first") =>
      createKnownAbsences({
        bucket: gateway.openBucket(cache as CacheReads, createBucketMeter()),
        deployment,
        rules: { ...QUICK_RULES, ...rules },
        log: gateway.log,
        now: () => platformClock.now().getTime(),
        random: Math.random,
      });
    const own = openOther();
    absences = own;
    return { ...gateway, openAbsences: () => own };
  });
  const own = absences as unknown as KnownAbsences;
  return {
    ...started,
    absences: own,
    openOther: (deployment) => (openOther as FilterGateway["openOther"])(deployment),
    async confirm() {
      for (let tries = 0; own.state !== "told"; tries++) {
        if (tries > 40) throw new Error(`the filter is still ${own.state}`);
        await own.refresh();
        await platformClock.sleep(150);
      }
    },
  };
}
