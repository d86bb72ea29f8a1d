import { UsageError } from "../../src/client/client-error.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import { parseExpiry } from "../../src/client/token-list.ts";
import { askBucket, type BucketAnswers } from "./ask-bucket.ts";
import { askCache } from "./ask-cache.ts";
import type { Asker } from "./asker.ts";
import { closingLines } from "./closing-lines.ts";
import { changeConfig } from "./config-text.ts";
import type { Deployer } from "./deployer.ts";
import type { InitFlags } from "./init-flags.ts";
import {
  type CacheInBucket,
  describeCache,
  findCacheElsewhere,
  lookAtCache,
} from "./look-at-cache.ts";
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
    keyName: chooseKeyName(host ?? `${present.config.name}-${answers.bucket.bucket}`, [
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
  await agreeToReplace(flags, present, plan, stored, asker);
  await writePlan(plan);
  say("The files are written.\n");
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

/** Throws unless the person knows what the bucket holds: a mistyped prefix would serve nothing. */
async function agreeOnCache(
  { existing }: InitFlags,
  present: PresentState,
  { bucket }: BucketAnswers,
  { narinfos }: CacheInBucket,
  { asker, context }: InitTools,
): Promise<void> {
  const place = `${bucket.bucket}/${bucket.prefix}`;
  if (existing === undefined && isSetUp(present, bucket)) return;
  if (narinfos > 0) {
    if (existing === "yes") return;
    if (existing === "no") {
      throw new UsageError(
        `--existing no, but ${place} holds a Nix cache. Serve it with --existing yes, or choose another --prefix`,
      );
    }
    if (await asker.confirm("Serve this cache as it is, and add to it?", true)) return;
    throw new UsageError(
      `${place} holds a Nix cache already. To serve it give --existing yes; otherwise choose another --prefix`,
    );
  }
  if (existing === "no") return;
  if (existing === undefined) {
    const isNew = await asker.confirm("Begin a new cache there?", true);
    if (isNew !== false) return;
  }
  const elsewhere = await findCacheElsewhere(bucket, context).catch(() => undefined);
  const hint =
    elsewhere === undefined ? "" : `. There is one with --prefix ${JSON.stringify(elsewhere)}`;
  throw new UsageError(`there is no Nix cache at ${place}${hint}`);
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

/** Whether an earlier run has set up the cache at this very place. */
function isSetUp({ config: { vars }, secrets }: PresentState, bucket: BucketLocation): boolean {
  return (
    (secrets["B2_KEY_ID"] ?? "") !== "" &&
    vars["B2_ENDPOINT"] === bucket.endpoint &&
    vars["B2_BUCKET"] === bucket.bucket &&
    (vars["B2_PREFIX"] ?? "") === bucket.prefix
  );
}

/** Throws unless the person agrees to the loss of the secrets that this run replaces. */
async function agreeToReplace(
  { replaceSecrets }: InitFlags,
  present: PresentState,
  { secrets }: InitPlan,
  stored: readonly string[],
  asker: Asker,
): Promise<void> {
  // Cloudflare shows no value. If this machine made them, they are in the secrets file.
  const unseen = stored.filter(
    (name) => secrets.secrets[name] !== undefined && present.secrets[name] === undefined,
  );
  const lost = [
    ...secrets.replaced.map((name) => `${name} in ${present.files.secrets}`),
    ...unseen.map((name) => `${name} at Cloudflare`),
  ];
  if (lost.length === 0 || replaceSecrets) {
    const goesOn = await asker.confirm("Write these files and continue?", true);
    if (goesOn === false) throw new UsageError("nothing has been written");
    return;
  }
  const list = lost.join(", ");
  if (await asker.confirm(`This replaces ${list}. Continue?`, false)) return;
  throw new UsageError(
    `this would replace ${list}. Nothing has been written. To replace them give --replace-secrets`,
  );
}
