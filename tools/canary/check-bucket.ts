import { isTransientStatus } from "../../src/http/retry.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import type { BucketAnswer } from "./bucket-call.ts";
import { describeAnswer } from "./bucket-steps.ts";
import { type CanaryEnvironment, openCanaryBucket } from "./canary-bucket.ts";
import { describeError } from "../../src/client/client-error.ts";
import { runChecks } from "../../src/checks/check.ts";
import { cleanUp } from "./clean-up.ts";
import { countRemains, describeRemains } from "./count-remains.ts";
import { LIFECYCLE_CHECKS } from "./lifecycle-checks.ts";
import { MULTIPART_CHECKS } from "./multipart-checks.ts";
import { payloadCheck } from "./payload-checks.ts";
import { READ_CHECKS } from "./read-checks.ts";
import { GATEWAY_PROBE_SIZES, type ProbeSize } from "../../src/checks/payload-probe.ts";
import type { Report } from "../../src/checks/report.ts";
import { WRITE_CHECKS } from "./write-checks.ts";

const OBJECT_CHECKS = [...WRITE_CHECKS, ...READ_CHECKS, ...MULTIPART_CHECKS];

/** The sizes of `npm run canary -- --large`. The gateway itself does not send 100 MB. */
export const LARGE_PROBE_SIZES: readonly ProbeSize[] = [...GATEWAY_PROBE_SIZES, 100_000_001];

/**
 * Checks the features of a bucket that the gateway relies on, in a new folder below
 * its prefix. Empties the folder at the end, also after a failure. `probeSizes` are the
 * bodies that find out who proves NARs: each is sent three times. Throws if the bucket
 * does not store the first object.
 */
export async function checkBucket(
  config: BucketLocation,
  environment: CanaryEnvironment,
  probeSizes: readonly ProbeSize[],
): Promise<Report> {
  const { signal } = environment;
  const bucket = openCanaryBucket(config, environment);
  const { folder } = bucket.trace;
  let findings: Report["findings"] = [];
  let obstacle: string | undefined;
  let isRefused = false;
  try {
    const first = await bucket.send({ method: "PUT", name: "first", body: "canary" });
    if (first.status === 200) {
      const checks = [...OBJECT_CHECKS, payloadCheck(probeSizes), ...LIFECYCLE_CHECKS];
      findings = await runChecks(checks, bucket, signal, describeError);
    } else {
      obstacle = describeRefusedPut(first, config);
      isRefused = first.status >= 400 && first.status < 500 && !isTransientStatus(first.status);
    }
  } catch (error) {
    if (!signal.aborted) obstacle = describeError(error);
  }
  // Ctrl-C ends the checks, and not what comes after them.
  const unstopped = bucket.withSignal(new AbortController().signal);
  const leftovers = await cleanUp(unstopped);
  if (obstacle !== undefined) {
    const problem = `Cannot write below ${folder} of the bucket ${config.bucket}: ${obstacle}`;
    // After a plain 4xx nothing is stored, also if the bucket refuses the clean-up too.
    const unsure = isRefused ? [] : leftovers;
    throw new Error(
      [problem, ...unsure.map((key) => `This object may be left behind: ${key}`)].join("\n"),
    );
  }
  const remains = await countRemains(unstopped);
  return {
    subject: `Bucket ${config.bucket} at ${config.endpoint}, below ${folder}`,
    findings,
    leftovers,
    isInterrupted: signal.aborted,
    remains,
    notes: [describeRemains(remains, folder)],
  };
}

function describeRefusedPut(answer: BucketAnswer, { region }: BucketLocation): string {
  const says = `PUT answered ${describeAnswer(answer)}`;
  return answer.code === "AuthorizationHeaderMalformed"
    ? `${says}: ${region} may be the wrong region, check B2_REGION`
    : says;
}
