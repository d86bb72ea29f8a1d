import { type Check, NotSeen } from "../../src/checks/check.ts";
import { type ProbeSize, probePayloadCheck } from "../../src/checks/payload-probe.ts";
import { PAYLOAD_HEADERS } from "../../src/http/payload-header.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { openProbeFolder } from "./probe-folder.ts";

/**
 * Returns the check that finds out who proves the bytes of large NARs: the bucket, if it
 * refuses a PUT with other bytes than its signature covers, and else the gateway, which
 * reads them back. Both are right, so it expects neither.
 */
export function payloadCheck(sizes: readonly ProbeSize[]): Check<CanaryBucket> {
  return {
    check: "PUT whose signature covers the SHA-256 of its body",
    async observe(bucket) {
      const reasons: string[] = [];
      for (const header of PAYLOAD_HEADERS) {
        const finding = await probePayloadCheck(openProbeFolder(bucket, header), sizes);
        if (finding.kind === "unknown") throw new NotSeen(`${header}: ${finding.detail}`);
        if (finding.kind === "checked") return `the bucket refuses other bytes, by ${header}`;
        const { because, detail } = finding;
        reasons.push(`by ${header} it ${because}${detail === undefined ? "" : ` (${detail})`}`);
      }
      return `the gateway must read large NARs back: ${reasons.join("; ")}`;
    },
  };
}
