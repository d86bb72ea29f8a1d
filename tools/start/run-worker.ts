import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";

const ENTRY = fileURLToPath(new URL("../../src/worker/index.ts", import.meta.url));

/** The worker, running on this machine. */
export interface RunningWorker {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Runs the worker in workerd, which listens on `port` itself. `wrangler dev` and
 * Miniflare would put a proxy in front of it, which serves only a tenth of the
 * requests a second. The catalog is kept in `catalogDirectory`, or in memory without it.
 * `changes` are for tests: they change the code as it is bundled.
 */
export async function runWorker(
  settings: Readonly<Record<string, string>>,
  port: number,
  catalogDirectory?: string,
  changes: readonly Plugin[] = [],
): Promise<RunningWorker> {
  const host = "127.0.0.1";
  // Miniflare keeps the edge there too. Each run begins with an empty one, because the
  // bucket may have changed in between.
  if (catalogDirectory !== undefined) {
    await rm(path.join(catalogDirectory, "cache"), { recursive: true, force: true });
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "nargate",
      modules: [{ type: "ESModule", path: "index.js", contents: await bundleWorker(changes) }],
      compatibilityDate: await readCompatibilityDate(),
      // As on Cloudflare, where each deployment has another id.
      serviceBindings: {
        NETWORK: {
          network: { allow: ["public", "private"], tlsOptions: { trustBrowserCas: true } },
        },
      },
      bindings: { ...settings, CF_VERSION_METADATA: { id: crypto.randomUUID() } },
      unsafeDirectSockets: [{ host, port }],
      additionalUnboundDurableObjects: [{ className: "Catalog", useSQLite: true }],
      ...(catalogDirectory === undefined ? {} : { resourcePersistencePath: catalogDirectory }),
      log: new Log(LogLevel.ERROR),
      // By default Miniflare downloads a sample of request.cf from the network.
      cf: false,
    }),
  );
  await miniflare.ready;
  const url = await miniflare.unsafeGetDirectURL();
  return { url: url.origin, close: () => miniflare.dispose() };
}

/**
 * Miniflare puts a worker of its own behind `fetch`, which adds the header CF-Worker. A
 * request to the bucket then takes half as much CPU time again. A service that is the
 * network itself has none in between.
 */
const FETCH_FROM_NETWORK = `import { env as bindings } from "cloudflare:workers";
globalThis.fetch = (input, init) => bindings.NETWORK.fetch(input, init);`;

/** Returns the worker as one ES module, bundled as wrangler does it for a deployment. */
async function bundleWorker(changes: readonly Plugin[]): Promise<string> {
  const result = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
    banner: { js: FETCH_FROM_NETWORK },
    plugins: [...changes],
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error("esbuild did not produce a bundle of the worker");
  return output.text;
}

/** Returns the compatibility date of the deployed worker, which the local worker uses too. */
async function readCompatibilityDate(): Promise<string> {
  const file = new URL("../../wrangler.toml", import.meta.url);
  const match = /^compatibility_date = "([\d-]+)"$/m.exec(await readFile(file, "utf8"));
  if (match?.[1] === undefined) throw new Error("wrangler.toml has no compatibility_date; add one");
  return match[1];
}
