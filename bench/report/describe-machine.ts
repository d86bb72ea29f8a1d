import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { hasNginx } from "../subjects/start-nginx.ts";

/** What the figures were measured on and with; kept with them. */
export function describeMachine(): Readonly<Record<string, string | number>> {
  const nix = spawnSync("nix", ["--version"]);
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    linux: release(),
    node: process.version,
    nix: nix.status === 0 ? nix.stdout.toString().trim() : "none",
    nginx: hasNginx ? "present" : "none",
  };
}
