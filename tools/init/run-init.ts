import { randomBytes } from "node:crypto";
import { UsageError } from "../../src/client/client-error.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { parseExpiry } from "../../src/client/token-list.ts";
import { agreeOnCache, agreeToReplace, changesNothing } from "./agree.ts";
import { askBucket, type BucketAnswers } from "./ask-bucket.ts";
import { askCache } from "./ask-cache.ts";
import type { Asker } from "./asker.ts";
import { closingLines } from "./closing-lines.ts";
import { changeConfig } from "./config-text.ts";
import type { Deployer } from "./deployer.ts";
import type { InitFlags } from "./init-flags.ts";
import { type CacheInBucket, describeCache, lookAtCache } from "./look-at-cache.ts";
import { requireGoodBucket } from "./require-good-bucket.ts";
import { planSecrets, requireSecretFiles } from "./plan-secrets.ts";
import { type PresentState, readPresentState } from "./present-state.ts";
import type { RunProgram } from "./run-program.ts";
import { examineCache } from "./examine-cache.ts";
import { describePlan, type InitPlan, writePlan } from "./write-plan.ts";

/** What a set-up needs besides its flags. Tests replace each of them. */
export interface InitTools {
  readonly context: ProcessContext;
  readonly asker: Asker;
  readonly run: RunProgram;
  /** Undefined if nothing is to be deployed. */
  readonly deployer: Deployer | undefined;
}

/** Sets up a cache. Returns the exit code. Throws `UsageError`, `ClientError` or `Interrupted`. */
export async function runInit(flags: InitFlags, tools: InitTools): Promise<number> {
  const { context, asker } = tools;
  const say = (text: string) => void context.stdout.write(`${text}\n`);
  const expires = parseLastDay(flags.expires ?? DEFAULT_EXPIRY, context);
  const present = await readPresentState(flags, context);
  const names = { pushTokenName: flags.pushToken, adminTokenName: flags.adminToken };
  requireSecretFiles(present, names);
  const answers = await askBucket(flags, present, asker, context);
  const { deployer } = tools;
  // Early, because a person may have to log in, or to stop another program.
  const stored = flags.dryRun ? [] : ((await deployer?.prepare(present.files.config)) ?? []);
  const cache = await lookAtCache(answers.bucket, context);
  say(describeCache(cache));
  await agreeOnCache(flags, present, answers, cache, tools);
  await requireGoodBucket(flags, answers, tools);

  const { host, signingKey, publicKeys } = await askCache(flags, present, cache, asker, context);
  const secrets = await planSecrets(present, {
    bucket: answers.bucket,
    signingKey,
    keyName: chooseKeyName(host ?? nameWithoutHost(flags, present, answers), [
      ...cache.sample.keyNames,
      ...publicKeys.map((key) => key.split(":", 1)[0] ?? ""),
    ]),
    ...names,
    expires,
    isExpiryGiven: flags.expires !== undefined,
  });
  const own = secrets.publicKey === undefined ? [] : [secrets.publicKey];
  const keys = [...new Set([...own, ...publicKeys])];
  const configText = planConfig(present, answers, cache, { host, keys });
  const plan: InitPlan = { files: present.files, bucket: answers.bucket, configText, secrets };
  say(describePlan(present, plan, flags.dryRun));
  if (flags.dryRun) {
    if (secrets.replaced.length > 0 && !flags.replaceSecrets) {
      say(`The real run needs --replace-secrets: it replaces ${secrets.replaced.join(", ")}.`);
    }
    say("Dry run: nothing is written, and nothing is deployed.");
    return 0;
  }
  const isUnchanged = changesNothing(present, plan);
  await agreeToReplace(flags, present, plan, stored, isUnchanged ? undefined : asker);
  await writePlan(plan);
  say(isUnchanged ? "Nothing changes in the files.\n" : "The files are written.\n");
  if (deployer === undefined) {
    say(
      `Deploy with: npm run deploy -- --config ${plan.files.config} --secrets-file ${plan.files.secrets}`,
    );
    return 0;
  }
  const deployed = await deployer.deploy(plan.files.config, plan.files.secrets, host);
  try {
    const examined = await examineCache(deployed.url, plan.files.pushToken, tools);
    say(
      closingLines({
        plan,
        keys,
        cache,
        deployed,
        isPrivate: isPrivate(present),
        target: flags.target,
      }),
    );
    return examined;
  } finally {
    await deployed.close();
  }
}

/**
 * Returns the beginning of the name of a key. Each trial has a name of its own, because
 * Nix uses only the first of two keys of one name.
 */
function nameWithoutHost(
  { target }: InitFlags,
  { config }: PresentState,
  { bucket }: BucketAnswers,
): string {
  const suffix = target === "local" ? randomBytes(3).toString("hex") : bucket.bucket;
  return `${config.name}-${suffix}`;
}

/** Returns a name with a number that no other key has: Nix uses only one key of a name. */
function chooseKeyName(base: string, taken: readonly string[]): string {
  let number = 1;
  while (taken.includes(`${base}-${number}`)) number++;
  return `${base}-${number}`;
}

const DEFAULT_EXPIRY = "365d";

/** Returns YYYY-MM-DD, or undefined for "never". */
function parseLastDay(text: string, { now }: ProcessContext): string | undefined {
  if (text === "never") return undefined;
  const day = parseExpiry(text, now());
  if (!day.ok) throw new UsageError(day.error);
  return day.value;
}

function isPrivate({ config }: PresentState): boolean {
  return config.vars["READ_ACCESS"] === "token";
}

function planConfig(
  { configText, config, files }: PresentState,
  { bucket }: BucketAnswers,
  { storeDir }: CacheInBucket,
  { host, keys }: { readonly host: string | undefined; readonly keys: readonly string[] },
): string {
  const present = config.vars["STORE_DIR"] ?? "/nix/store";
  const changed = changeConfig(configText, {
    host,
    vars: {
      B2_ENDPOINT: bucket.endpoint,
      B2_REGION: bucket.region,
      B2_BUCKET: bucket.bucket,
      B2_PREFIX: bucket.prefix,
      PUBLIC_KEYS: keys.join(" "),
      ...(storeDir === undefined || storeDir === present ? {} : { STORE_DIR: storeDir }),
    },
  });
  if (changed.ok) return changed.value;
  throw new UsageError(`${files.config} ${changed.error}`);
}
