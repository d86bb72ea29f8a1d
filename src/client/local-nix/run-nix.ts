import { type ChildProcessByStdio, spawn } from "node:child_process";
import { lstat } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { formatStorePath, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { type NixStore, storeArgs } from "./store-location.ts";

/** A program of Nix that runs. */
export interface NixProcess {
  readonly stdout: Readable;
  /** Rejects with a `ClientError` that has the last line it printed, unless it exits with 0. */
  readonly ended: Promise<void>;
  kill(): void;
}

export interface NixInvocation {
  readonly program: "nix" | "nix-store";
  readonly args: readonly string[];
  /** Written to its standard input. */
  readonly input?: string;
}

/** What a program gets from those who run it. */
export type NixSurroundings = Pick<ProcessContext, "env" | "cwd" | "signal">;

/** Starts one, in our own environment and with the experimental commands switched on. */
export function startNix(
  { program, args, input }: NixInvocation,
  { env, cwd, signal }: NixSurroundings,
): NixProcess {
  const child: ChildProcessByStdio<import("node:stream").Writable, Readable, Readable> = spawn(
    program,
    args,
    {
      cwd,
      env: { ...env, NIX_CONFIG: withCommands(env["NIX_CONFIG"]) },
      stdio: ["pipe", "pipe", "pipe"],
      signal,
    },
  );
  // One that does not read its input has closed it.
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-MAX_STDERR_CHARACTERS);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "ENOENT"
          ? new ClientError(`${program} is not on the PATH; install Nix`)
          : new ClientError(`${program}: ${error.message}`),
      );
    });
    child.once("close", (code, killedBy) => {
      if (code === 0) resolve();
      else
        reject(
          new ClientError(`${program}: ${lastLine(said) ?? `ended with ${code ?? killedBy}`}`),
        );
    });
  });
  // Awaited after its output, and must not count as unhandled until then.
  ended.catch(() => {});
  return { stdout: child.stdout, ended, kill: () => void child.kill() };
}

/** Runs one and gives what it printed. */
export async function runNix(invocation: NixInvocation, context: NixSurroundings): Promise<string> {
  const running = startNix(invocation, context);
  const chunks: Buffer[] = [];
  for await (const chunk of running.stdout) chunks.push(chunk as Buffer);
  await running.ended;
  return Buffer.concat(chunks).toString();
}

// By the environment rather than a flag, which Nix 2.3 does not know; it needs none.
function withCommands(nixConfig = ""): string {
  return `${nixConfig}\nextra-experimental-features = nix-command\n`;
}

const MAX_STDERR_CHARACTERS = 16 * 1024;

// What Nix puts around words for a terminal.
// oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
const ANSI = /\u001b\[[0-9;]*m/g;

function lastLine(text: string): string | undefined {
  return text
    .replace(ANSI, "")
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => line !== "");
}

/**
 * Starts what writes the NAR of `storePath`: straight from the disk where the
 * files are there, since opening a store takes Nix longer than dumping a small
 * path.
 */
export async function startDump(
  storePath: StorePath,
  store: NixStore,
  context: ProcessContext,
): Promise<NixProcess> {
  const { directory } = store;
  if (directory !== undefined) {
    const file = path.join(directory, formatStorePathBaseName(storePath));
    if (await exists(file))
      return startNix({ program: "nix-store", args: ["--dump", file] }, context);
  }
  const args = ["store", "dump-path", ...storeArgs(store)];
  args.push(formatStorePath(storePath, store.storeDir));
  return startNix({ program: "nix", args }, context);
}

async function exists(file: string): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    () => false,
  );
}
