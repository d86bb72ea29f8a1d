import { type Row, runChecks, skipChecks } from "./check.ts";
import { openDeployment, type StorePathArgument } from "./deployment.ts";
import { PATH_CHECKS } from "./path-checks.ts";
import type { Report } from "./report.ts";
import { REACHABLE_CHECK, SITE_CHECKS } from "./site-checks.ts";

/** Looks at a deployment as a stranger would, by reads alone. */
export async function checkDeployment(
  url: string,
  path: StorePathArgument | undefined,
  signal: AbortSignal,
): Promise<Report> {
  const deployment = openDeployment(url, path, signal);
  const rows: Row[] = [...(await runChecks([REACHABLE_CHECK], deployment, signal))];
  if (rows.some(({ verdict }) => verdict !== "ok")) {
    rows.push(...skipChecks([...SITE_CHECKS, ...PATH_CHECKS], "there is no cache to look at"));
  } else {
    rows.push(...(await runChecks(SITE_CHECKS, deployment, signal)));
    rows.push(
      ...(path === undefined
        ? skipChecks(PATH_CHECKS, "no --path was given")
        : await runChecks(PATH_CHECKS, deployment, signal)),
    );
  }
  return {
    subject: `Deployment ${url}${path === undefined ? "" : `, path ${path.hash}`}`,
    rows,
    leftovers: [],
    isInterrupted: signal.aborted,
    notes: [],
  };
}
