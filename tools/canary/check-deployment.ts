import { describeError } from "../../src/client/client-error.ts";
import type { Finding } from "../../src/checks/finding.ts";
import { runChecks, skipChecks } from "../../src/checks/check.ts";
import { openDeployment, type StorePathArgument } from "./deployment.ts";
import { PATH_CHECKS } from "./path-checks.ts";
import type { Report } from "../../src/checks/report.ts";
import { REACHABLE_CHECK, SITE_CHECKS } from "./site-checks.ts";

/** Checks a deployment from outside: it only reads, and sends no credentials. */
export async function checkDeployment(
  url: string,
  path: StorePathArgument | undefined,
  signal: AbortSignal,
): Promise<Report> {
  const deployment = openDeployment(url, path, signal);
  const findings: Finding[] = [
    ...(await runChecks([REACHABLE_CHECK], deployment, signal, describeError)),
  ];
  if (findings.some(({ verdict }) => verdict !== "ok")) {
    findings.push(
      ...skipChecks([...SITE_CHECKS, ...PATH_CHECKS], "not run, because nix-cache-info failed"),
    );
  } else {
    findings.push(...(await runChecks(SITE_CHECKS, deployment, signal, describeError)));
    findings.push(
      ...(path === undefined
        ? skipChecks(PATH_CHECKS, "not run, because --path was not given")
        : await runChecks(PATH_CHECKS, deployment, signal, describeError)),
    );
  }
  return {
    subject: `Deployment ${url}${path === undefined ? "" : `, path ${path.hash}`}`,
    findings,
    leftovers: [],
    isInterrupted: signal.aborted,
  };
}
