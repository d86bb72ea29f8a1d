import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

export interface NpmStart {
  /** What it has said on both outputs. */
  said(): string;
  /** The token with this scope that it has printed. */
  token(scope: "push" | "admin"): string;
  /** Resolves once it says that it serves; throws if it ends first. */
  readonly serving: Promise<void>;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
  /** As Ctrl-C does. Nothing stronger, which would leave workerd behind. */
  interrupt(): void;
}

/** Runs what `npm start` runs, with nothing in its environment but what is given. */
export async function npmStart(
  environment: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<NpmStart> {
  const manifest: unknown = JSON.parse(
    await readFile(path.join(REPOSITORY, "package.json"), "utf8"),
  );
  const { start } = (manifest as { scripts: { start: string } }).scripts;
  const [program, ...args] = start.split(" ");
  if (program !== "node") throw new Error(`npm start runs ${program}, not node`);
  const child = spawn(process.execPath, [...args, ...more], { cwd: REPOSITORY, env: environment });

  let text = "";
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const serving = new Promise<void>((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      output.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes("Ctrl-C stops it.\n")) resolve();
      });
    }
    void ended.then((code) => reject(new Error(`it ended with ${code}:\n${text}`)));
  });
  // Whoever expects it to fail does not wait for this.
  serving.catch(() => {});
  const token = (scope: string) => new RegExp(`${scope} token +(\\S+)`).exec(text)?.[1] ?? "";
  return { said: () => text, token, serving, ended, interrupt: () => void child.kill("SIGINT") };
}
