import { QUICK_AUDIT } from "../../client/audit/audit-bucket.ts";
import { type BucketReader } from "../../client/bucket/bucket-reader.ts";
import { openBucket } from "../../client/bucket/open-bucket.ts";
import type { AuditRules, PathFinding } from "../../client/audit/judge-narinfo.ts";
import { UsageError } from "../../client/client-error.ts";
import { openCache, type OpenCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { forgetAtEdge } from "../../client/sign/forget-at-edge.ts";
import { type SignSession } from "../../client/sign/sign-paths.ts";
import { createBucketPaths, createCachePaths } from "../../client/audit/stored-paths.ts";
import type { SecretKey } from "../../nix/signature.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import {
  addAuditFlags,
  type AuditFlags,
  readCacheRules,
  readGivenKeys,
  stateFile,
} from "../audit/audit-options.ts";
import { formatFinding, formatFindingJson } from "../audit/audit-report.ts";
import { confirm } from "../audit/confirm.ts";
import { runAudit } from "../audit/run-audit.ts";
import { runSigning } from "../audit/run-signing.ts";
import {
  createCandidateCollector,
  formatCandidates,
  type SignCandidates,
} from "../audit/sign-candidates.ts";
import { requireAdmin, requireSameBucket, warnIfUnpublished } from "../audit/signer-checks.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";
import { readSecretKey } from "../read-secret-key.ts";

interface SignFlags extends AuditFlags {
  readonly unsigned?: true;
  readonly keyFile: string;
  readonly prove?: true;
  readonly yes?: true;
  readonly dryRun?: true;
}

/** `nargate sign`: signs paths of the cache, without sending a NAR. */
export const addSignCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("sign")
    .summary("Sign paths that lie in the cache, without sending their NARs.")
    .description(
      "Sign paths that lie in the cache, without sending their NARs. A signature vouches for whatever lies there. Needs a token with the scope admin. With --unsigned it reads the bucket, and needs the B2_* variables of the gateway. The exit code is 1 if a path was not signed.",
    )
    .argument("[path...]", "store paths, their base names or hashes, or symlinks such as ./result")
    .option("--unsigned", "sign the paths of the bucket whose only problem is the signature")
    .requiredOption("--key-file <file>", "the secret key in Nix's format; - for standard input")
    .option("--prove", "download and unpack each NAR, and sign only those whose NarHash holds")
    .option("--dry-run", "show what would be signed, and sign nothing")
    .option("--yes", "do not ask before signing");
  addAuditFlags(addCacheOptions(command))
    .option("--json", "print a line of JSON for each path, and a last one with the sums")
    .addHelpText(
      "after",
      "\nExample:\n  nargate sign --unsigned --prove --key-file cache.secret --token-file admin.token \\\n    --to https://cache.example.org",
    )
    .action(async (paths: readonly string[], flags: SignFlags) => {
      setExitCode(await sign(paths, flags, context));
    });
};

async function sign(
  paths: readonly string[],
  flags: SignFlags,
  context: ProcessContext,
): Promise<number> {
  const isNamed = checkFlags(paths, flags);
  const bucket = isNamed ? undefined : openBucket(context);
  const given = readGivenKeys(flags, context);
  const key = await readSecretKey("--key-file", flags.keyFile, context);
  const cache = await openCache(flags, context);
  const rules = await readCacheRules(cache, given);
  await requireAdmin(cache, "signing");
  warnIfUnpublished(key, rules, context);

  const session = createSession({ key, cache, rules, bucket, flags }, context);
  const candidates =
    bucket === undefined
      ? await resolvePaths(paths, rules, context)
      : await findCandidates(bucket, rules, flags, context);
  const [first] = candidates.hashes;
  if (first === undefined) {
    context.stderr.write(
      "Nothing to sign: every path has a signature that clients accept, or another problem.\n",
    );
  } else {
    if (!session.isNamed) await requireSameBucket(first, session.paths, cache, rules);
    const facts = { keyName: key.name, isProving: session.isProving };
    context.stderr.write(formatCandidates(candidates, facts));
    const isAgreed =
      session.isDryRun || flags.yes === true || (await confirm("Sign them?", context));
    if (!isAgreed) {
      context.stderr.write("Nothing was signed.\n");
      return 1;
    }
  }
  const { signed, exitCode } = await runSigning(candidates, session, flags.json === true, context);
  if (signed.length > 0) context.stderr.write(await forgetAtEdge(signed, cache, context));
  return exitCode;
}

/** Returns whether the paths are named. Throws `UsageError` if the flags do not fit together. */
function checkFlags(
  paths: readonly string[],
  { unsigned, state, keyFile, yes, dryRun }: SignFlags,
): boolean {
  if (keyFile === "-" && yes !== true && dryRun !== true) {
    throw new UsageError("standard input has the key, so it cannot answer a question. Add --yes");
  }
  const isNamed = unsigned !== true;
  if (isNamed && paths.length === 0) {
    throw new UsageError("nothing to sign: name store paths, or use --unsigned");
  }
  if (!isNamed && paths.length > 0) {
    throw new UsageError("--unsigned finds the paths by itself: name no paths with it");
  }
  if (isNamed && state !== undefined) throw new UsageError("--state needs --unsigned");
  return isNamed;
}

interface SessionParts {
  readonly key: SecretKey;
  readonly cache: OpenCache;
  readonly rules: AuditRules;
  readonly bucket: BucketReader | undefined;
  readonly flags: SignFlags;
}

function createSession(
  { key, cache, rules, bucket, flags }: SessionParts,
  context: ProcessContext,
): SignSession {
  return {
    key,
    rules,
    client: cache.client,
    paths:
      bucket === undefined
        ? createCachePaths(cache, rules.storeDir, context)
        : createBucketPaths(bucket, rules.storeDir),
    isNamed: bucket === undefined,
    isProving: flags.prove === true,
    isDryRun: flags.dryRun === true,
  };
}

async function resolvePaths(
  paths: readonly string[],
  { storeDir }: AuditRules,
  context: ProcessContext,
): Promise<SignCandidates> {
  const named = new Map<StorePathHash, string>();
  for (const path of paths) {
    const { hash, text } = await resolvePathArgument(path, storeDir, context);
    named.set(hash, text);
  }
  const samples = [...named.values()].slice(0, 5);
  return { hashes: [...named.keys()], samples, unsigned: 0, foreign: new Map() };
}

/** Reads the bucket. Lists the paths that lack more than a signature, which are never signed. */
async function findCandidates(
  bucket: BucketReader,
  rules: AuditRules,
  flags: SignFlags,
  context: ProcessContext,
): Promise<SignCandidates> {
  const collector = createCandidateCollector();
  const format = flags.json === true ? formatFindingJson : formatFinding;
  const onFinding = (finding: PathFinding) => {
    if (!collector.add(finding)) context.stdout.write(format(finding));
  };
  const state = stateFile(flags, context);
  await runAudit({ bucket, rules, plan: QUICK_AUDIT, state, onFinding }, context);
  return collector.result();
}
