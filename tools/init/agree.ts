import { UsageError } from "../../src/client/client-error.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { formatTokens } from "../../src/client/token-list.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import { formatSecrets } from "../deployment/secrets-file.ts";
import type { BucketAnswers } from "./ask-bucket.ts";
import type { Asker } from "./asker.ts";
import type { InitFlags } from "./init-flags.ts";
import { type CacheInBucket, findCacheElsewhere } from "./look-at-cache.ts";
import type { PresentState } from "./present-state.ts";
import type { InitPlan } from "./write-plan.ts";

/** Throws unless the person knows what the bucket holds: a mistyped prefix would serve nothing. */
export async function agreeOnCache(
  { existing }: InitFlags,
  present: PresentState,
  { bucket }: BucketAnswers,
  { narinfos }: CacheInBucket,
  { asker, context }: { readonly asker: Asker; readonly context: ProcessContext },
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

/** Whether an earlier run has set up the cache at this very place. */
function isSetUp({ config: { vars }, secrets }: PresentState, bucket: BucketLocation): boolean {
  return (
    (secrets["B2_KEY_ID"] ?? "") !== "" &&
    vars["B2_ENDPOINT"] === bucket.endpoint &&
    vars["B2_BUCKET"] === bucket.bucket &&
    (vars["B2_PREFIX"] ?? "") === bucket.prefix
  );
}

/** Whether the files are already as this run would write them. */
export function changesNothing(
  { configText, secrets, tokens = [] }: PresentState,
  plan: InitPlan,
): boolean {
  return (
    configText === plan.configText &&
    formatSecrets(secrets) === formatSecrets(plan.secrets.secrets) &&
    formatTokens(tokens) === formatTokens(plan.secrets.tokens)
  );
}

/** Throws unless the person agrees to the loss of the secrets that this run replaces. */
export async function agreeToReplace(
  { replaceSecrets }: InitFlags,
  present: PresentState,
  { secrets }: InitPlan,
  stored: readonly string[],
  asker: Asker | undefined,
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
    const goesOn = await asker?.confirm("Write these files and continue?", true);
    if (goesOn === false) throw new UsageError("nothing has been written");
    return;
  }
  const list = lost.join(", ");
  if (await asker?.confirm(`This replaces ${list}. Continue?`, false)) return;
  throw new UsageError(
    `this would replace ${list}. Nothing has been written. To replace them give --replace-secrets`,
  );
}
