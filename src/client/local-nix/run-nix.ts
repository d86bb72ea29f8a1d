import { type ChildProcessByStdio, spawn } from "node:child_process";
import { lstat } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { formatStorePath, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { type NixStore, storeArgs } from "./store-location.ts";

/** A running program of Nix. */
export interface NixProcess {
  readonly stdout: Readable;
  /**
   * Resolves if the program exits with 0. Otherwise rejects with a `ClientError`
   * that has the last line of its stderr.
   */
  readonly ended: Promise<void>;
  kill(): void;
}

export interface NixInvocation {
  readonly program: "nix" | "nix-store";
  readonly args: readonly string[];
  /** The text for the standard input of the program. */
  readonly input?: string;
}

/** The parts of the context that a program of Nix needs. */
export type NixSurroundings = Pick<ProcessContext, "env" | "cwd" | "signal">;

/**
 * Starts a program of Nix with the environment of this process, and with the
 * experimental commands enabled.
 */
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
  // A program that does not read its input may close it, which is no error here.
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
          new ClientError(`${program}: ${lastLine(said) ?? `it ended with ${code ?? killedBy}`}`),
        );
    });
  });
  // Callers await `ended` only after they have read the output. Until then Node must not report an
  // unhandled rejection.
  ended.catch(() => {});
  return { stdout: child.stdout, ended, kill: () => void child.kill() };
}

/** Runs a program of Nix and returns its standard output. */
export async function runNix(invocation: NixInvocation, context: NixSurroundings): Promise<string> {
  const running = startNix(invocation, context);
  const chunks: Buffer[] = [];
  for await (const chunk of running.stdout) chunks.push(chunk as Buffer);
  await running.ended;
  return Buffer.concat(chunks).toString();
}

// Set in the environment and not by a flag: Nix 2.3 does not know the flag, and does not need it.
function withCommands(nixConfig = ""): string {
  return `${nixConfig}\nextra-experimental-features = nix-command\n`;
}

const MAX_STDERR_CHARACTERS = 16 * 1024;

// The colours that Nix prints for a terminal.
// oxlint-disable-next-line no-control-regex -- the pattern matches the escape character
const ANSI = /\u001b\[[0-9;]*m/g;

function lastLine(text: string): string | undefined {
  return text
    .replace(ANSI, "")
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => line !== "");
}

/**
 * Starts the program that writes the NAR of `storePath`. If the files are on this
 * machine's disk, it is `nix-store --dump`, which does not open the store:
 * opening a store takes Nix longer than dumping a small path.
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
