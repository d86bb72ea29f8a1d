import { readFile, rm, stat } from "node:fs/promises";
import type { ProcessContext } from "../client/process-context.ts";
import { ClientError } from "../client/client-error.ts";
import { replaceFile } from "../client/use/replace-file.ts";
import { runTool } from "./run-tool.ts";

/** Reads and writes files as somebody. Each throws `ClientError` where it may not. */
export interface FileAccess {
  readonly isRoot: boolean;
  /** Undefined for one that is not there. */
  read(file: string): Promise<string | undefined>;
  /** One that is there keeps its mode and its owner. */
  write(file: string, text: string, options: { readonly isSecret: boolean }): Promise<void>;
  remove(file: string): Promise<void>;
}

/** As the user that the job runs as. */
export const OWN_FILES: FileAccess = {
  isRoot: false,
  async read(file) {
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      throw new ClientError(`cannot read ${file}: ${code}`);
    }
  },
  async write(file, text, options) {
    await replaceFile(file, text, options);
  },
  async remove(file) {
    await rm(file, { force: true });
  },
};

/** As root, by the sudo without a password that GitHub's runners have. */
export function createRootFiles(context: ProcessContext): FileAccess {
  async function sudo(args: readonly string[], input?: string): Promise<string> {
    const { isDone, stdout } = await runTool(["sudo", "-n", ...args], context, input);
    if (!isDone) throw new ClientError(`sudo ${args.join(" ")} failed`);
    return stdout;
  }

  return {
    isRoot: true,
    async read(file) {
      if (await isAbsent(file)) return undefined;
      return await sudo(["cat", file]);
    },
    async write(file, text, { isSecret }) {
      // Made first, so that nobody else can open it before it is secret.
      if (await isAbsent(file)) {
        await sudo(["install", "-m", isSecret ? "600" : "644", "/dev/null", file]);
      }
      await sudo(["tee", file], text);
    },
    async remove(file) {
      await sudo(["rm", "-f", file]);
    },
  };
}

async function isAbsent(file: string): Promise<boolean> {
  return await stat(file).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === "ENOENT",
  );
}
