/** `npm run canary`: checks a bucket or a deployment for the facts that the gateway relies on. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readBucketSettings } from "./canary-settings.ts";
import { GATEWAY_PROBE_SIZES } from "../../src/checks/payload-probe.ts";
import { checkBucket, LARGE_PROBE_SIZES } from "./check-bucket.ts";
import { checkDeployment } from "./check-deployment.ts";
import { parseStorePathArgument } from "./deployment.ts";
import { startEmbeddedBucket } from "./embedded-bucket.ts";
import { exitCodeOf, formatReportJson, type Report } from "../../src/checks/report.ts";
import { formatReport } from "../../src/checks/format-report.ts";
import { UsageError } from "../../src/client/client-error.ts";
import { parseCacheUrl } from "../../src/client/gateway/open-cache.ts";
import { runCommand } from "../run-command.ts";

const USAGE = `Usage: npm run canary -- [--json]
       npm run canary -- --url URL [--path STORE-PATH|HASH] [--json]

  Checks the facts that the gateway relies on, and prints a verdict for each.

  Without --url, the canary checks the bucket of B2_ENDPOINT, B2_REGION,
  B2_BUCKET, B2_PREFIX, B2_KEY_ID and B2_APPLICATION_KEY. It writes in a new
  folder below <prefix>.canary/, and deletes its objects at the end. If none of
  the six settings is set, the canary checks its own b2-server.

  --url URL     check a deployment, from outside and without credentials
  --path PATH   a store path that the deployment has, or the hash of the path;
                the canary then also checks its narinfo and its NAR
  --large       also send a body of 100 MB three times, to find out whether the
                bucket proves the bytes of large NARs
  --json        print JSON, for a program

  Exit code 0: no check fails. 1: a check fails, or an object was left behind.
  2: wrong use. 130: Ctrl-C.
`;

async function inspectBucket(signal: AbortSignal, large: boolean): Promise<Report> {
  const sizes = large ? LARGE_PROBE_SIZES : GATEWAY_PROBE_SIZES;
  const settings = readBucketSettings(process.env);
  if (!settings.ok) {
    const problems = settings.error.map(({ setting, problem }) => `  ${setting} ${problem}`);
    throw new UsageError(
      ["Cannot check the bucket. Correct these settings:", ...problems].join("\n"),
    );
  }
  if (settings.value !== undefined)
    return await checkBucket(settings.value, { signal, sleep }, sizes);
  const embedded = await startEmbeddedBucket();
  try {
    return await checkBucket(embedded.config, { signal, sleep }, sizes);
  } finally {
    await embedded.close();
  }
}

async function inspectDeployment(url: string, path: string | undefined, signal: AbortSignal) {
  const storePath = path === undefined ? undefined : parseStorePathArgument(path);
  if (storePath?.ok === false) throw new UsageError(`--path: ${storePath.error}`);
  if (url === "") throw new UsageError("--url is empty: give the URL of the cache");
  return await checkDeployment(parseCacheUrl(url), storePath?.value, signal);
}

/** Returns a signal that aborts on the first Ctrl-C. The second Ctrl-C ends the process at once. */
function stopOnSignal(sentence: string): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      process.stderr.write(`${sentence}\n`);
      controller.abort();
    });
  }
  return controller.signal;
}

async function main(): Promise<string> {
  const { values } = parseArgs({
    options: {
      url: { type: "string" },
      path: { type: "string" },
      large: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return USAGE;
  const { url, path, json, large } = values;
  if (url === undefined && path !== undefined) throw new UsageError("--path needs --url");
  if (url !== undefined && large) throw new UsageError("--large is for a bucket, not for --url");
  const signal = stopOnSignal(
    url === undefined
      ? "Stopping, and deleting the written objects. Press Ctrl-C again to stop at once."
      : "Stopping.",
  );
  const report =
    url === undefined
      ? await inspectBucket(signal, large)
      : await inspectDeployment(url, path, signal);
  process.exitCode = exitCodeOf(report);
  return json ? formatReportJson(report) : formatReport(report);
}

runCommand(main);
