import { isSecureUrl } from "../http/secure-url.ts";
import { err, ok, type Result } from "../result.ts";
import {
  createSettingReader,
  matching,
  type SettingProblem,
  type SettingReader,
} from "./setting-reader.ts";

/** The bucket of a cache and the key that signs requests to it. */
export interface BucketLocation {
  /** Scheme and host, without a final slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Ends in "/" unless it is empty. The gateway never touches or lists anything outside it. */
  readonly prefix: string;
  readonly keyId: string;
  readonly applicationKey: string;
}

/**
 * Returns the parts that tell one cache's bucket from another's. Keys are not
 * among them: a new application key opens the same bucket.
 */
export function bucketIdentity({ endpoint, bucket, prefix }: BucketLocation): readonly string[] {
  return [endpoint, bucket, prefix];
}

export const BUCKET_SETTINGS = [
  "B2_ENDPOINT",
  "B2_REGION",
  "B2_BUCKET",
  "B2_PREFIX",
  "B2_KEY_ID",
  "B2_APPLICATION_KEY",
] as const;

export function readBucketSettings(reader: SettingReader): BucketLocation {
  const location: BucketLocation = {
    endpoint: reader.required("B2_ENDPOINT", parseEndpoint),
    region: reader.required("B2_REGION", matching(/^[\w-]{1,64}$/, "is not a region")),
    bucket: reader.required(
      "B2_BUCKET",
      matching(/^[A-Za-z0-9][\w.-]{2,62}$/, "is not a bucket name"),
    ),
    prefix: reader.optional("B2_PREFIX", "", parsePrefix),
    keyId: reader.required("B2_KEY_ID", matching(/^[\x21-\x7e]{1,256}$/, "is not a key ID")),
    applicationKey: reader.required(
      "B2_APPLICATION_KEY",
      matching(/^[\x21-\x7e]{1,256}$/, "is not an application key"),
    ),
  };
  reader.problems.push(...endpointProblems(location));
  return location;
}

/**
 * Returns the bucket of an environment, for a program that uses nothing else of the
 * settings. All six must be set: B2_PREFIX may be empty, but a forgotten one would
 * mean the whole bucket. Reports all problems at once.
 */
export function parseBucketLocation(
  env: Readonly<Record<string, string | undefined>>,
): Result<BucketLocation, readonly SettingProblem[]> {
  const reader = createSettingReader(env);
  const location = readBucketSettings(reader);
  if (env["B2_PREFIX"] === undefined) {
    reader.problems.push({
      setting: "B2_PREFIX",
      problem: "is not set (give it empty if the cache is the whole bucket)",
    });
  }
  return reader.problems.length > 0 ? err(reader.problems) : ok(location);
}

/** Accepts plain HTTP to this machine alone: requests are signed, but others could read the NARs on their way. */
function parseEndpoint(text: string): Result<string> {
  if (!URL.canParse(text)) {
    return err("is not a URL, such as https://s3.us-west-004.backblazeb2.com");
  }
  const url = new URL(text);
  if (!isSecureUrl(url)) return err("is not an https URL");
  if (url.pathname !== "/" || url.search !== "" || url.username !== "") {
    return err(
      "has more than scheme and host: the bucket and the prefix have settings of their own",
    );
  }
  return ok(url.origin);
}

/** Finds endpoints that would make the gateway ask for wrong keys, or in the wrong region. */
function endpointProblems({ endpoint, region, bucket }: BucketLocation): SettingProblem[] {
  if (endpoint === "" || bucket === "") return [];
  const { hostname } = new URL(endpoint);
  if (hostname.startsWith(`${bucket.toLowerCase()}.`)) {
    return [
      {
        setting: "B2_ENDPOINT",
        problem: "contains the bucket's name, which has a setting of its own",
      },
    ];
  }
  const b2Region = /^s3\.([\w-]+)\.backblazeb2\.com$/.exec(hostname)?.[1];
  return b2Region === undefined || region === "" || b2Region === region
    ? []
    : [{ setting: "B2_REGION", problem: "is not the region of B2_ENDPOINT" }];
}

function parsePrefix(text: string): Result<string> {
  const segments = text.replace(/\/$/, "").split("/");
  if (segments.some((segment) => !/^[\w.+=@-]+$/.test(segment) || /^\.{1,2}$/.test(segment))) {
    return err("is not a path like nix/cache/ of letters, digits and ._+=@-");
  }
  return ok(`${segments.join("/")}/`);
}
