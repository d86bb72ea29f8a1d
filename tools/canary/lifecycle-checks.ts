import { isLoopback } from "../../src/http/secure-url.ts";
import { readElement, readElements } from "../../src/http/s3-xml.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import { describeAnswer } from "./bucket-steps.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { type Check, known, NotSeen } from "../../src/checks/check.ts";

interface LifecycleRule {
  readonly xml: string;
  readonly prefix: string;
}

/** Checks for the lifecycle rules that docs/bucket.md asks for. S3 has other names for them. */
export const LIFECYCLE_CHECKS: readonly Check<CanaryBucket>[] = [
  {
    check: "lifecycle rule that deletes replaced and hidden versions",
    expected: known("Nargate", "set"),
    observe: (bucket) => findRule(bucket, "NoncurrentVersionExpiration", "NoncurrentDays"),
  },
  {
    check: "lifecycle rule that drops parts of unfinished uploads",
    expected: known("Nargate", "set"),
    observe: (bucket) => findRule(bucket, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
  },
  {
    check: "lifecycle rule that hides objects of the cache by age",
    expected: known("Nargate", "not set"),
    async observe(bucket) {
      const { prefix } = bucket.config;
      const rules = (await readRules(bucket)).filter(
        (rule) => rule.prefix.startsWith(prefix) || prefix.startsWith(rule.prefix),
      );
      const isHiding = rules.some(({ xml }) => /<Expiration>[^]*?<(?:Days|Date)>/.test(xml));
      if (!isHiding) return "not set";
      return {
        says: "set",
        remedy: "Remove daysFromUploadingToHiding from the rule: it hides NARs of the cache.",
      };
    },
  },
];

async function findRule(bucket: CanaryBucket, action: string, days: string) {
  const rules = (await readRules(bucket)).filter(({ prefix }) =>
    bucket.config.prefix.startsWith(prefix),
  );
  for (const { xml } of rules) {
    const [body] = readElements(xml, action);
    if (body !== undefined) return `set, with ${days} = ${readElement(body, days) ?? "?"}`;
  }
  return {
    says: "not set",
    remedy: "Set the rule. docs/bucket.md has the command under Lifecycle rules.",
  };
}

/** The b2 command works with B2, and the b2-server of this machine stands in for B2. */
function remedyOfHiddenRules({ endpoint, bucket }: BucketLocation): string {
  const { hostname } = new URL(endpoint);
  return hostname.endsWith(".backblazeb2.com") || isLoopback(hostname)
    ? `With a key that may read the rules, run: b2 bucket get ${bucket}`
    : "Look at the bucket's lifecycle rules with the tools of its provider.";
}

/** Returns every enabled rule of the bucket. Throws `NotSeen` if the bucket does not show them. */
async function readRules(bucket: CanaryBucket): Promise<readonly LifecycleRule[]> {
  const answer = await bucket.send({ method: "GET", query: { lifecycle: "" } });
  if (answer.code === "NoSuchLifecycleConfiguration") return [];
  if (answer.status !== 200) {
    throw new NotSeen(`${describeAnswer(answer)}: this key may not read the lifecycle rules`, {
      remedy: remedyOfHiddenRules(bucket.config),
    });
  }
  // OpenStack Swift does not know this request, and lists the bucket instead.
  if (!answer.text.includes("<LifecycleConfiguration")) {
    throw new NotSeen("200 with something else: this bucket may not have lifecycle rules");
  }
  return readElements(answer.text, "Rule")
    .filter((xml) => readElement(xml, "Status") === "Enabled")
    .map((xml) => ({ xml, prefix: readElement(xml, "Prefix") ?? "" }));
}
