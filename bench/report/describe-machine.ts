import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { NGINX } from "../subjects/start-nginx.ts";
import { WORKERD } from "../subjects/start-worker.ts";

/** Describes the machine and the versions of the measured programs. The report includes it. */
export function describeMachine(): Readonly<Record<string, string | number>> {
  return {
    workerd: versionOf(WORKERD, "--version"),
    node: process.version.slice(1),
    nginx: NGINX === undefined ? "none" : versionOf(NGINX, "-v"),
    nix: versionOf("nix", "--version"),
    linux: release(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
  };
}

/** Returns the version that a program prints. The formats differ, and nginx prints to standard error. */
function versionOf(program: string, option: string): string {
  const { status, stdout, stderr } = spawnSync(program, [option], { encoding: "utf8" });
  if (status !== 0) return "none";
  return /\d[\w.-]*/.exec(stdout + stderr)?.[0] ?? "unknown";
}
