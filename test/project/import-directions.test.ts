import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** What may not be imported, and one thing that may: a rule that refuses all would pass otherwise. */
const IMPORTS = [
  { file: "src/nix/x.ts", refused: "hono", allowed: "../result.ts" },
  { file: "src/api/x.ts", refused: "../http/retry.ts", allowed: "../nix/hash.ts" },
  { file: "src/http/x.ts", refused: "../worker/bucket/bucket.ts", allowed: "../nix/hash.ts" },
  { file: "src/settings/x.ts", refused: "../client/x.ts", allowed: "../api/tokens.ts" },
  { file: "src/prices/x.ts", refused: "../nix/hash.ts", allowed: "./price-list.ts" },
  { file: "src/checks/x.ts", refused: "../client/x.ts", allowed: "../api/version.ts" },
  { file: "src/worker/access/x.ts", refused: "jose", allowed: "../cache-error.ts" },
  { file: "src/worker/access/oidc/x.ts", refused: "../../bucket/bucket.ts", allowed: "jose" },
  { file: "src/worker/bucket/x.ts", refused: "../edge/edge.ts", allowed: "aws4fetch" },
  {
    file: "src/worker/edge/x.ts",
    refused: "../bucket/b2-bucket.ts",
    allowed: "../bucket/bucket.ts",
  },
  { file: "src/worker/serve/x.ts", refused: "../ingest/ingest.ts", allowed: "../bucket/bucket.ts" },
  { file: "src/worker/pins/x.ts", refused: "../edge/edge.ts", allowed: "../bucket/bucket.ts" },
  { file: "src/worker/ingest/x.ts", refused: "../routes/admit.ts", allowed: "../edge/edge.ts" },
  {
    file: "src/worker/routes/x.ts",
    refused: "../bucket/s3-client.ts",
    allowed: "../bucket/bucket.ts",
  },
  {
    file: "src/worker/routes/nargate/x.ts",
    refused: "../../../cli/x.ts",
    allowed: "../../edge/edge.ts",
  },
  {
    file: "src/worker/routes/nix/read-object.ts",
    refused: "../../ingest/commit.ts",
    allowed: "../../serve/origin.ts",
  },
  {
    file: "src/worker/routes/nix/cache-info.ts",
    refused: "../../ingest/publish-cache-info.ts",
    allowed: "../admit.ts",
  },
  { file: "src/worker/routes/nix/x.ts", refused: "../nargate/page.ts", allowed: "../admit.ts" },
  {
    file: "src/worker/caches/x.ts",
    refused: "../bucket/bucket.ts",
    allowed: "../edge/edge-key.ts",
  },
  { file: "src/worker/index.ts", refused: "../cli/program.ts", allowed: "./app.ts" },
  { file: "src/worker/create-gateway.ts", refused: "../client/x.ts", allowed: "./gateway.ts" },
  { file: "src/client/push/x.ts", refused: "../../worker/app.ts", allowed: "../../nix/hash.ts" },
  { file: "src/client/bucket/x.ts", refused: "../push/x.ts", allowed: "aws4fetch" },
  { file: "src/client/audit/x.ts", refused: "aws4fetch", allowed: "../bucket/x.ts" },
  { file: "src/client/use/x.ts", refused: "../../cli/program.ts", allowed: "../gateway/x.ts" },
  { file: "src/cli/commands/x.ts", refused: "../../worker/app.ts", allowed: "../../client/x.ts" },
  { file: "src/action/x.ts", refused: "../cli/program.ts", allowed: "../client/x.ts" },
  { file: "src/cli/x.ts", refused: "../action/main.ts", allowed: "../checks/check.ts" },
  { file: "tools/cost/x.ts", refused: "../../src/cli/x.ts", allowed: "../run-command.ts" },
  {
    file: "tools/start/x.ts",
    refused: "../../src/worker/app.ts",
    allowed: "../b2-server/b2-server.ts",
  },
  { file: "tools/b2-server/x.ts", refused: "../../src/nix/hash.ts", allowed: "./store/x.ts" },
  {
    file: "bench/subjects/x.ts",
    refused: "../../src/worker/app.ts",
    allowed: "../../src/nix/hash.ts",
  },
] as const;

const directory = mkdtempSync(join(tmpdir(), "nargate-lint-"));
let report = "";

beforeAll(() => {
  copyFileSync("oxlint.config.ts", join(directory, "oxlint.config.ts"));
  for (const { file, refused, allowed } of IMPORTS) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    const lines = [refused, allowed].map((name, index) => `export { a${index} } from "${name}";\n`);
    writeFileSync(join(directory, file), lines.join(""));
  }
  const oxlint = join(process.cwd(), "node_modules/.bin/oxlint");
  report = spawnSync(oxlint, ["--format", "unix"], { cwd: directory }).stdout.toString();
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The lines of a file that the rule was broken on. */
function refusedLines(file: string): readonly string[] {
  return report
    .split("\n")
    .filter((line) => line.startsWith(`${file}:`) && line.includes("no-restricted-imports"))
    .map((line) => line.split(":")[1] ?? "");
}

describe("the import directions of oxlint.config.ts", () => {
  it.each(IMPORTS)("let $file import $allowed and not $refused", ({ file }) => {
    expect(refusedLines(file)).toEqual(["1"]);
  });
});
