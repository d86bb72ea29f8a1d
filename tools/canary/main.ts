/** `npm run canary`: tries what the design leans on, at a bucket or at a deployment. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readBucketSettings } from "./canary-settings.ts";
import { checkBucket } from "./check-bucket.ts";
import { checkDeployment } from "./check-deployment.ts";
import { parseStorePathArgument } from "./deployment.ts";
import { startEmbeddedBucket } from "./embedded-bucket.ts";
import {
  exitCodeOf,
  formatReport,
  formatReportJson,
  type Report,
} from "../../src/checks/report.ts";
import { UsageError } from "../../src/client/client-error.ts";
import { runCommand } from "../run-command.ts";

const USAGE = `Usage: npm run canary -- [--json]
       npm run canary -- --url URL [--path STORE-PATH|HASH] [--json]

  Tries what the gateway relies on, a line a fact, and says what differs.

  Without --url: the bucket of B2_ENDPOINT, B2_REGION, B2_BUCKET, B2_PREFIX,
  B2_KEY_ID and B2_APPLICATION_KEY, in a new folder below <prefix>.canary/ that
  is emptied again; without any of them, an S3 server of its own.

  --url URL     a deployment, from outside and without credentials
  --path PATH   a store path that it has, or its hash: its narinfo and NAR too
  --json        the table as JSON

  Exit code 0: nothing differs. 1: something does, or was left behind.
  2: wrong use. 130: Ctrl-C.
`;

async function inspectBucket(signal: AbortSignal): Promise<Report> {
  const settings = readBucketSettings(process.env);
  if (!settings.ok) {
    const problems = settings.error.map(({ setting, problem }) => `  ${setting} ${problem}`);
    throw new UsageError(["Cannot look at a bucket:", ...problems].join("\n"));
  }
  if (settings.value !== undefined) return await checkBucket(settings.value, { signal, sleep });
  const embedded = await startEmbeddedBucket();
  try {
    return await checkBucket(embedded.config, { signal, sleep });
  } finally {
    await embedded.close();
  }
}

async function inspectDeployment(url: string, path: string | undefined, signal: AbortSignal) {
  const storePath = path === undefined ? undefined : parseStorePathArgument(path);
  if (storePath?.ok === false) throw new UsageError(`--path: ${storePath.error}`);
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError("--url is not an http or https URL");
  }
  const { username, password, search, hash } = new URL(url);
  if (username + password + search + hash !== "") {
    throw new UsageError("--url holds more than the address of the cache");
  }
  return await checkDeployment(url.replace(/\/+$/, ""), storePath?.value, signal);
}

/** The first Ctrl-C ends the run in order; the second one ends it at once. */
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
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return USAGE;
  const { url, path, json } = values;
  if (url === undefined && path !== undefined) throw new UsageError("--path goes with --url");
  const signal = stopOnSignal(
    url === undefined ? "Stopping, and deleting what was written. Again: at once." : "Stopping.",
  );
  const report =
    url === undefined ? await inspectBucket(signal) : await inspectDeployment(url, path, signal);
  process.exitCode = exitCodeOf(report);
  return json ? formatReportJson(report) : formatReport(report);
}

runCommand(main);
