import type { Finding } from "../../src/checks/finding.ts";
import type { Result } from "../../src/result.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import type { B2KeyFacts } from "./b2-key-facts.ts";

const NEEDED = ["listFiles", "readFiles", "writeFiles"];
/** Capabilities that harm nobody: they show settings, and change nothing. */
const HARMLESS = /^(?:list|read)/;

const REMEDY =
  "Make a key for this bucket and prefix alone. docs/bucket.md has the command under The application key.";

/**
 * Checks the rights of an application key. `facts` is undefined for a bucket that is
 * not at B2, where no API tells the rights of a key.
 */
export function checkKey(
  facts: Result<B2KeyFacts> | undefined,
  bucket: BucketLocation,
): readonly Finding[] {
  const check = "rights of the key";
  if (facts === undefined) {
    const says =
      "not checked: only B2 tells the rights of a key. The checks of the bucket show that it reads, writes and lists, and not what else it may do";
    return [{ check, verdict: "unknown", says }];
  }
  if (!facts.ok) return [{ check, verdict: "unknown", says: `not checked: ${facts.error}` }];
  const { capabilities, bucket: only, namePrefix } = facts.value;
  const missing = NEEDED.filter((name) => !capabilities.includes(name));
  const more = capabilities.filter((name) => !NEEDED.includes(name) && !HARMLESS.test(name));
  return [
    missing.length > 0
      ? { check, verdict: "FAIL", says: `lacks ${missing.join(", ")}`, remedy: REMEDY }
      : more.length > 0
        ? {
            check,
            verdict: "warn",
            says: `may do more than the gateway needs: ${more.join(", ")}`,
            remedy: REMEDY,
          }
        : { check, verdict: "ok", says: NEEDED.join(", ") },
    only === undefined
      ? { check: "bucket of the key", verdict: "warn", says: "opens every bucket", remedy: REMEDY }
      : only === bucket.bucket
        ? { check: "bucket of the key", verdict: "ok", says: only }
        : {
            check: "bucket of the key",
            verdict: "FAIL",
            says: `opens only ${only}`,
            remedy: REMEDY,
          },
    !bucket.prefix.startsWith(namePrefix)
      ? {
          check: "prefix of the key",
          verdict: "FAIL",
          says: `opens only names that begin with ${namePrefix}`,
          remedy: `Set the prefix to ${namePrefix}, or make another key.`,
        }
      : namePrefix === bucket.prefix
        ? { check: "prefix of the key", verdict: "ok", says: namePrefix || "none" }
        : {
            check: "prefix of the key",
            verdict: "warn",
            says: `opens more than the cache: names that begin with "${namePrefix}"`,
            remedy: REMEDY,
          },
  ];
}
