import { readElement, readElements } from "../../src/http/s3-xml.ts";
import { describeAnswer } from "./bucket-steps.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { type Check, known, NotSeen } from "../../src/checks/check.ts";

interface LifecycleRule {
  readonly xml: string;
  readonly prefix: string;
}

/** The rules that docs/bucket.md asks for, by the names that S3 gives them. */
export const LIFECYCLE_CHECKS: readonly Check<CanaryBucket>[] = [
  {
    check: "lifecycle: replaced and hidden versions are deleted",
    expected: known("Nargate", "by a rule"),
    observe: (bucket) => findRule(bucket, "NoncurrentVersionExpiration", "NoncurrentDays"),
  },
  {
    check: "lifecycle: parts of unfinished uploads are dropped",
    expected: known("Nargate", "by a rule"),
    observe: (bucket) => findRule(bucket, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
  },
  {
    check: "lifecycle: the cache's own objects are hidden by age",
    expected: known("Nargate", "by no rule"),
    async observe(bucket) {
      const { prefix } = bucket.config;
      const rules = (await readRules(bucket)).filter(
        (rule) => rule.prefix.startsWith(prefix) || prefix.startsWith(rule.prefix),
      );
      const isHiding = rules.some(({ xml }) => /<Expiration>[^]*?<(?:Days|Date)>/.test(xml));
      if (!isHiding) return "by no rule";
      return {
        says: "by a rule",
        remedy: "daysFromUploadingToHiding must not be set: it hides NARs.",
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
    if (body !== undefined) return `by a rule, after days: ${readElement(body, days) ?? "?"}`;
  }
  return { says: "by no rule", remedy: "docs/bucket.md has the command under Lifecycle rules." };
}

/** Every enabled rule of the bucket. */
async function readRules(bucket: CanaryBucket): Promise<readonly LifecycleRule[]> {
  const answer = await bucket.send({ method: "GET", query: { lifecycle: "" } });
  if (answer.code === "NoSuchLifecycleConfiguration") return [];
  if (answer.status !== 200) {
    throw new NotSeen(`${describeAnswer(answer)}: this key may not read them`, {
      remedy: `By hand, with a key that may: b2 bucket get ${bucket.config.bucket}`,
    });
  }
  return readElements(answer.text, "Rule")
    .filter((xml) => readElement(xml, "Status") === "Enabled")
    .map((xml) => ({ xml, prefix: readElement(xml, "Prefix") ?? "" }));
}
