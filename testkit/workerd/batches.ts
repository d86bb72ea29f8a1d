import { apiRequest, linesOf } from "./api.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { type FakeStorePath, makeStorePath } from "../store-path.ts";

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

/** Makes store paths that refer to nothing, or each to the path before it. */
export async function makePaths(count: number, isChain = false): Promise<readonly FakeStorePath[]> {
  const paths: FakeStorePath[] = [];
  for (let at = 0; at < count; at++) {
    const hash = (DIGITS[at >> 5] ?? "0") + (DIGITS[at & 31] ?? "0").repeat(31);
    const before = paths.at(-1);
    const references = isChain && before !== undefined ? [`${before.hash}-thing`] : [];
    paths.push(await makeStorePath(hash, { seed: at + 1, references }));
  }
  return paths;
}

/** PUTs the NARs of these paths. */
export async function putNars(
  gateway: TestGateway,
  paths: readonly FakeStorePath[],
): Promise<void> {
  for (const { narPath, nar } of paths) {
    const { status } = await gateway.push(narPath, nar);
    if (status !== 200) throw new Error(`the PUT of ${narPath} answered ${status}`);
  }
}

/** Starts a gateway whose bucket holds the NARs of these paths, and none of their narinfos. */
export async function startWithNars(
  paths: readonly FakeStorePath[],
  settings: Record<string, string> = {},
): Promise<TestGateway> {
  const gateway = await startGateway(settings);
  await putNars(gateway, paths);
  return gateway;
}

export const lineOf = ({ hash, narinfo }: Pick<FakeStorePath, "hash" | "narinfo">) => ({
  path: hash,
  narinfo,
});

export const ndjson = (lines: readonly unknown[]) =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join("");

/** Publishes narinfos, and returns the lines of the answer without those that only report progress. */
export async function publish(
  { request }: Pick<TestGateway, "request">,
  lines: readonly unknown[],
): Promise<readonly Record<string, unknown>[]> {
  const response = await request("/api/v1/publish", apiRequest(ndjson(lines)));
  if (response.status !== 200) throw new Error(`publish: ${await response.text()}`);
  return (await linesOf(response)).filter((line) => !("status" in line));
}
