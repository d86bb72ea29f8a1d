import { writeFile } from "node:fs/promises";
import path from "node:path";
import { generateSecretKey } from "../../src/nix/signature.ts";
import type { NixMachine } from "../../testkit/nix/nix-client.ts";
import type { DistantBucket } from "../bucket/open-distant-bucket.ts";
import type { Teardown } from "../measure/teardown.ts";
import { startLocalNargate } from "../subjects/start-local-nargate.ts";
import { startNcps } from "../subjects/start-ncps.ts";
import { type Niks3Programs, startNiks3 } from "../subjects/start-niks3.ts";
import type { Postgres } from "../subjects/start-postgres.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import type { CacheService } from "../subjects/workerd-config.ts";
import { type BenchContext, openGateway, PUSH_TOKEN, TOKENS } from "./bench-context.ts";
import { copyTo, secondsOf } from "./nix-closure.ts";

/** The surroundings of a subject in one round: an empty bucket, and a directory for its files. */
export interface Round {
  readonly bucket: DistantBucket;
  /** The machine that pushes. */
  readonly machine: NixMachine;
  readonly directory: string;
  readonly teardown: Teardown;
}

/** A running cache in front of the bucket of a round. */
export interface PeerCache {
  /** The servers of the cache, without the bucket. */
  readonly serverPids: () => readonly number[];
  /** Pushes the paths with all that they refer to. Returns the seconds. */
  push(storePaths: readonly string[]): Promise<number>;
  /**
   * Makes the cache forget all that it keeps outside the bucket. Returns the URL to pull
   * from. Not set if pulls would repeat those of another subject.
   */
  readonly openCold?: () => Promise<string>;
}

/** A cache with its client, to measure beside others. */
export interface PeerSubject {
  readonly name: string;
  /** Whether the benchmark goes on without it if it fails. */
  readonly isForeign: boolean;
  open(round: Round): Promise<PeerCache>;
}

/** The dependencies of the caches of this project. */
export interface NargateParts {
  readonly context: BenchContext;
  /** The file of the built command. */
  readonly command: string;
  /** The cache of the bare worker, for the engine `cache-api`. */
  readonly cache: CacheService;
}

/** The ways to push to Nargate: its command to the bare worker or to `npm start`, and `nix copy`. */
export function nargateSubjects(parts: NargateParts): PeerSubject[] {
  return [
    {
      name: "nargate",
      isForeign: false,
      open: async (round) => {
        const server = await restartable(round, async () => await openBareWorker(parts, round));
        const push = await commandOf(parts, round);
        return {
          serverPids: () => [server.now().pid],
          push: async (storePaths) => await push(server.now().url, storePaths),
          openCold: async () => (await server.restart()).url,
        };
      },
    },
    {
      name: "npm start",
      isForeign: false,
      open: async (round) => {
        const settings = { ...(await commonSettings()), ...round.bucket.settings };
        const server = await restartable(round, async () => await startLocalNargate(settings));
        const push = await commandOf(parts, round);
        return {
          serverPids: () => [server.now().pid],
          push: async (storePaths) => await push(server.now().url, storePaths),
          openCold: async () => (await server.restart()).url,
        };
      },
    },
    {
      name: "nix copy",
      isForeign: false,
      open: async (round) => {
        const worker = await openBareWorker(parts, round);
        round.teardown.add(() => worker.stop());
        return {
          serverPids: () => [worker.pid],
          push: async (storePaths) => await copyTo(round.machine, worker.url, storePaths),
        };
      },
    },
  ];
}

/** niks3: its client, its server and Postgres. */
export function niks3Subject(programs: Niks3Programs, postgres: Postgres): PeerSubject {
  return {
    name: "niks3",
    isForeign: true,
    open: async ({ bucket, machine, directory, teardown }) => {
      const database = postgres.createDatabase();
      const server = await startNiks3(programs, bucket.host, database, directory);
      teardown.add(() => server.stop());
      const [program, ...args] = server.pushCommand(machine.storeDirectory);
      return {
        serverPids: () => [server.pid, postgres.pid],
        push: async (storePaths) => await secondsOf(machine, program, ...args, ...storePaths),
        // It keeps nothing outside the bucket and Postgres.
        openCold: async () => server.url,
      };
    },
  };
}

/** ncps, with `nix copy` as its client. */
export function ncpsSubject(program: string): PeerSubject {
  return {
    name: "ncps",
    isForeign: true,
    open: async ({ bucket, machine, directory, teardown }) => {
      const server = await startNcps(program, bucket.host, directory);
      teardown.add(() => server.stop());
      return {
        serverPids: () => [server.pid],
        push: async (storePaths) => await copyTo(machine, `${server.url}/upload`, storePaths),
        // It keeps nothing outside the bucket and its database.
        openCold: async () => server.url,
      };
    },
  };
}

async function commonSettings(): Promise<Readonly<Record<string, string>>> {
  return { TOKENS, SIGNING_KEY: await generateSecretKey("gateway-1") };
}

async function openBareWorker(
  { context, cache }: NargateParts,
  { bucket, directory, teardown }: Round,
): Promise<RunningProcess> {
  const settings = await commonSettings();
  return await openGateway({ ...context, directory, teardown }, { bucket, cache, settings });
}

/** Returns a push by `nargate push` to the cache at a URL. */
async function commandOf(
  { command }: NargateParts,
  { machine, directory }: Round,
): Promise<(url: string, storePaths: readonly string[]) => Promise<number>> {
  const tokenFile = path.join(directory, "nargate-token");
  await writeFile(tokenFile, PUSH_TOKEN);
  return async (url, storePaths) => {
    const to = ["--to", url, "--token-file", tokenFile];
    const words = ["--no-warnings", command, "push", ...to, ...storePaths];
    return await secondsOf(machine, process.execPath, ...words);
  };
}

/** A server that is stopped and started again with an empty memory. */
interface Restartable {
  now(): RunningProcess;
  restart(): Promise<RunningProcess>;
}

async function restartable(
  { teardown }: Round,
  start: () => Promise<RunningProcess>,
): Promise<Restartable> {
  let current = await start();
  teardown.add(() => current.stop());
  return {
    now: () => current,
    async restart() {
      await current.stop();
      current = await start();
      return current;
    },
  };
}
