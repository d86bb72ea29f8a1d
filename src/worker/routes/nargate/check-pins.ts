import { keptHashes } from "../../../api/pins.ts";
import type { Finding } from "../../../checks/finding.ts";
import { toFailure } from "../../failure-response.ts";
import { readAllPins } from "../../pins/read-pins.ts";
import { type Exchange, openBucket } from "../exchange.ts";

const check = "pins";

/** To read 1,000 revisions takes some 2 ms of CPU, and the free plan allows 10 ms. */
const MAX_PAGES = 3;

/** Returns how much the pins protect. Nothing for a cache without pins. */
export async function checkPins(exchange: Exchange): Promise<readonly Finding[]> {
  try {
    const pins = await readAllPins(openBucket(exchange), MAX_PAGES);
    if (!pins.ok) {
      const { why, says } = pins.error;
      return why === "unreadable"
        ? [{ check, verdict: "warn", says, remedy: REMEDY }]
        : [{ check, verdict: "skipped", says }];
    }
    if (pins.value.length === 0) return [];
    const paths = keptHashes(pins.value, exchange.gateway.clock.now()).size;
    return [{ check, verdict: "ok", says: `pins: ${pins.value.length}, paths: ${paths}` }];
  } catch (error) {
    return [{ check, verdict: "skipped", says: `${toFailure(error).code}: they were not read` }];
  }
}

const REMEDY =
  "An object that is no pin may be the pin of a newer gateway. nargate pins lists these objects. Delete them in the bucket if they are of no use.";
