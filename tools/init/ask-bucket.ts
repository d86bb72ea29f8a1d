import { UsageError } from "../../src/client/client-error.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { isLoopback } from "../../src/http/secure-url.ts";
import { readGivenFile } from "../../src/client/read-given-file.ts";
import { err, ok, type Result } from "../../src/result.ts";
import {
  type BucketLocation,
  parseBucketLocation,
  readBucketSettings,
} from "../../src/settings/bucket-settings.ts";
import { createSettingReader, formatProblems } from "../../src/settings/setting-reader.ts";
import type { Asker } from "./asker.ts";
import { type B2KeyFacts, isB2Endpoint, readB2KeyFacts } from "./b2-key-facts.ts";
import type { InitFlags } from "./init-flags.ts";
import type { PresentState } from "./present-state.ts";

export interface BucketAnswers {
  readonly bucket: BucketLocation;
  /** Undefined if the bucket is not at B2. */
  readonly facts: Result<B2KeyFacts> | undefined;
}

type BucketSetting = "B2_ENDPOINT" | "B2_REGION" | "B2_BUCKET" | "B2_PREFIX" | "B2_KEY_ID";

/**
 * Finds out the bucket and its key: from the flags, the environment, the files of an
 * earlier run, and by questions, in this order. Throws a `UsageError` that names all
 * that is missing or wrong.
 */
export async function askBucket(
  flags: InitFlags,
  present: PresentState,
  asker: Asker,
  context: ProcessContext,
): Promise<BucketAnswers> {
  const { vars } = present.config;
  const isFirst = vars["B2_BUCKET"] === undefined;
  const given = (flag: string | undefined, setting: string) => flag ?? context.env[setting];
  /** Asks, unless the flags or the environment have the answer. */
  async function find(
    setting: BucketSetting,
    flag: { readonly name: string; readonly value: string | undefined },
    message: string,
    suggestion: string | undefined,
  ): Promise<string> {
    const answer = given(flag.value, setting);
    const question = {
      message,
      flag: `${flag.name} (or ${setting})`,
      parse: (text: string) => parseSetting(setting, text),
    };
    if (answer === undefined) return await asker.ask({ ...question, suggestion });
    const parsed = question.parse(answer);
    if (!parsed.ok) throw new UsageError(`${flag.name} (or ${setting}) ${parsed.error}`);
    return parsed.value;
  }

  const endpoint = await find(
    "B2_ENDPOINT",
    { name: "--endpoint", value: flags.endpoint },
    "S3 endpoint of the bucket, such as s3.us-west-004.backblazeb2.com",
    vars["B2_ENDPOINT"],
  );
  const ownRegion = /^https:\/\/s3\.([\w-]+)\.backblazeb2\.com$/.exec(endpoint)?.[1];
  const region =
    ownRegion ??
    (await find(
      "B2_REGION",
      { name: "--region", value: flags.region },
      "Region of the bucket",
      vars["B2_REGION"],
    ));
  const keyId = await find(
    "B2_KEY_ID",
    { name: "--key-id", value: flags.keyId },
    "ID of the application key",
    present.secrets["B2_KEY_ID"] || undefined,
  );
  const applicationKey = await findApplicationKey(flags, present, asker, context);
  if (flags.target === "cloudflare" && endpoint !== "" && isLoopback(new URL(endpoint).hostname)) {
    throw new UsageError(
      "B2_ENDPOINT is an address of this machine, which Cloudflare cannot reach. For a trial on this machine give --local",
    );
  }
  // Elsewhere nothing is asked of the key, and all that is missing can be named at once.
  if (isB2Endpoint(endpoint)) asker.requireAnswers();
  const facts = isB2Endpoint(endpoint)
    ? await readB2KeyFacts(keyId, applicationKey, context.fetch)
    : undefined;
  const told = facts?.ok === true ? facts.value : undefined;
  const bucket = await find(
    "B2_BUCKET",
    { name: "--bucket", value: flags.bucket },
    "Name of the bucket",
    vars["B2_BUCKET"] ?? told?.bucket,
  );
  const prefix = await find(
    "B2_PREFIX",
    { name: "--prefix", value: flags.prefix },
    "Folder of the cache, such as nix/cache/ (empty: the whole bucket)",
    isFirst ? (told?.namePrefix ?? (asker.isSilent ? undefined : "")) : (vars["B2_PREFIX"] ?? ""),
  );
  asker.requireAnswers(
    flags.target === "local"
      ? "For a bucket on this machine run npm run bucket, and the two lines that it prints."
      : undefined,
  );
  const location = parseLocation({ endpoint, region, bucket, prefix, keyId, applicationKey });
  return { bucket: location, facts };
}

async function findApplicationKey(
  flags: InitFlags,
  present: PresentState,
  asker: Asker,
  context: ProcessContext,
): Promise<string> {
  const setting = "B2_APPLICATION_KEY";
  const given =
    flags.applicationKeyFile === undefined
      ? context.env[setting]
      : await readGivenFile("--application-key-file", flags.applicationKeyFile, context);
  const known = given ?? (present.secrets[setting] || undefined);
  const flag = `--application-key-file (or ${setting})`;
  const parse = (text: string) => parseSetting(setting, text);
  if (known === undefined)
    return await asker.askSecret({ message: "Application key", flag, parse });
  const parsed = parse(known);
  if (!parsed.ok) throw new UsageError(`${flag} ${parsed.error}`);
  return parsed.value;
}

function parseSetting(setting: BucketSetting | "B2_APPLICATION_KEY", text: string): Result<string> {
  const value = setting === "B2_ENDPOINT" ? withScheme(text.trim()) : text.trim();
  const reader = createSettingReader({ [setting]: value });
  const location = readBucketSettings(reader);
  const problem = reader.problems.find((one) => one.setting === setting);
  if (problem !== undefined) return err(problem.problem);
  return ok(
    setting === "B2_ENDPOINT"
      ? location.endpoint
      : setting === "B2_PREFIX"
        ? location.prefix
        : value,
  );
}

function withScheme(endpoint: string): string {
  return endpoint === "" || endpoint.includes("://") ? endpoint : `https://${endpoint}`;
}

/** Checks what depends on several settings. */
function parseLocation(location: BucketLocation): BucketLocation {
  const checked = parseBucketLocation({
    B2_ENDPOINT: location.endpoint,
    B2_REGION: location.region,
    B2_BUCKET: location.bucket,
    B2_PREFIX: location.prefix,
    B2_KEY_ID: location.keyId,
    B2_APPLICATION_KEY: location.applicationKey,
  });
  if (checked.ok) return checked.value;
  throw new UsageError(formatProblems(checked.error));
}
