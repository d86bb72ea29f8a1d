import path from "node:path";
import { spawn } from "node:child_process";
import { ClientError } from "../../src/client/client-error.ts";
import { toOneLine } from "../../src/client/plain-text.ts";
import { CONFIG_FILE } from "../deployment/config-file.ts";
import { isPortFree } from "../is-port-free.ts";
import type { Deployer } from "./deployer.ts";
import { inRepository } from "./run-program.ts";

/** Runs the worker on this machine, by `npm start`, until it is closed. */
export function createLocalDeployer(signal: AbortSignal): Deployer {
  return {
    async prepare() {
      const port = process.env["PORT"] ?? "8787";
      if (await isPortFree(Number(port))) return [];
      throw new ClientError(
        `port ${port} is in use. Stop the npm start of before, or set PORT to another port`,
      );
    },

    async deploy(config, secretsFile) {
      const args = ["--config", config, "--secrets-file", secretsFile];
      const child = spawn(
        process.execPath,
        ["--no-warnings", inRepository("tools/start/main.ts"), ...args],
        { stdio: ["ignore", "pipe", "pipe"], signal, killSignal: "SIGINT" },
      );
      const ended = new Promise<undefined>((resolve) => {
        child.once("error", () => resolve(undefined));
        child.once("close", () => resolve(undefined));
      });
      let said = "";
      const serving = new Promise<string>((resolve) => {
        for (const output of [child.stdout, child.stderr]) {
          output.on("data", (chunk: Buffer) => {
            said += chunk.toString();
            const address = /^Nargate serves (http:\S+)$/m.exec(said)?.[1];
            if (address !== undefined && said.includes("Ctrl-C stops it")) resolve(address);
          });
        }
      });
      const url = await Promise.race([serving, ended]);
      if (url === undefined) {
        throw new ClientError(
          `the worker does not start: ${toOneLine(said.trim()) || "it gave no reason"}`,
        );
      }
      return {
        url,
        again: [
          ...(process.env["PORT"] === undefined ? [] : [`PORT=${process.env["PORT"]}`]),
          `npm start -- --secrets-file ${shorten(secretsFile)}`,
          ...(config === CONFIG_FILE ? [] : [`--config ${shorten(config)}`]),
        ].join(" "),
        async close() {
          child.kill("SIGINT");
          await ended;
        },
      };
    },
  };
}

/** Returns a path as one can write it in the folder of this repository. */
function shorten(file: string): string {
  const relative = path.relative(inRepository(""), file);
  return relative.startsWith("..") ? file : relative;
}
