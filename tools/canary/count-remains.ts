import { readElement, readElements } from "../../src/http/s3-xml.ts";
import { describeError } from "../../src/client/client-error.ts";
import type { Remains } from "../../src/checks/report.ts";
import type { BucketAnswer } from "./bucket-call.ts";
import { describeAnswer } from "./bucket-steps.ts";
import type { CanaryBucket } from "./canary-bucket.ts";

// A run writes fewer than 200 versions, and a page holds 1,000.
const MAX_PAGES = 20;

/**
 * Counts what a run leaves in its folder after the clean-up: deleted objects stay as
 * hidden versions, each below a delete marker. Returns the reason, in one line, if the
 * bucket does not tell. Never throws.
 */
export async function countRemains(bucket: CanaryBucket): Promise<Remains | string> {
  try {
    return { ...(await countVersions(bucket)), uploads: await countUploads(bucket) };
  } catch (error) {
    return describeError(error);
  }
}

/** Formats the result of `countRemains` for a person. */
export function describeRemains(remains: Remains | string, folder: string): string {
  if (typeof remains === "string") {
    return `The canary could not count the hidden versions that it left below ${folder}: ${remains}. A lifecycle rule deletes them.`;
  }
  const { versions, deleteMarkers, bytes, uploads } = remains;
  if (versions + deleteMarkers + uploads === 0) return `The canary left nothing below ${folder}.`;
  const parts = [
    `${count(versions, "hidden version")} with ${count(bytes, "byte")}`,
    count(deleteMarkers, "delete marker"),
    count(uploads, "unfinished upload"),
  ];
  return `The canary left ${parts.join(", ")} below ${folder} until the lifecycle rules delete them.`;
}

async function countVersions(bucket: CanaryBucket): Promise<Omit<Remains, "uploads">> {
  const { folder } = bucket.trace;
  const total = { versions: 0, deleteMarkers: 0, bytes: 0 };
  let markers: Readonly<Record<string, string>> = {};
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { versions: "", prefix: folder, ...markers };
    const { text } = requireListing("versions", await bucket.send({ method: "GET", query }));
    const isOurs = (xml: string) => readElement(xml, "Key")?.startsWith(folder) === true;
    // The latest version of a name is no hidden one: the clean-up names it as left behind.
    const hidden = readElements(text, "Version").filter(
      (xml) => isOurs(xml) && readElement(xml, "IsLatest") !== "true",
    );
    total.versions += hidden.length;
    total.bytes += hidden.reduce((sum, xml) => sum + Number(readElement(xml, "Size") ?? 0), 0);
    total.deleteMarkers += readElements(text, "DeleteMarker").filter(isOurs).length;
    if (readElement(text, "IsTruncated") !== "true") return total;
    markers = {
      "key-marker": readElement(text, "NextKeyMarker") ?? "",
      "version-id-marker": readElement(text, "NextVersionIdMarker") ?? "",
    };
  }
  throw new Error("the list of versions does not end");
}

async function countUploads(bucket: CanaryBucket): Promise<number> {
  const { folder } = bucket.trace;
  const query = { uploads: "", prefix: folder };
  const { text } = requireListing(
    "unfinished uploads",
    await bucket.send({ method: "GET", query }),
  );
  return readElements(text, "Upload").filter(
    (xml) => readElement(xml, "Key")?.startsWith(folder) === true,
  ).length;
}

/** An answer of another server has no such element, and must not count as an empty list. */
function requireListing(what: string, answer: BucketAnswer): BucketAnswer {
  if (answer.status === 403) throw new Error(`this key may not list ${what} (403)`);
  if (answer.status === 200 && readElement(answer.text, "IsTruncated") !== undefined) return answer;
  throw new Error(`the list of ${what} answered ${describeAnswer(answer)}`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
