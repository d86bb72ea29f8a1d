import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** What may not be imported, and one thing that may: a rule that refuses all would pass otherwise. */
const IMPORTS = [
  { file: "src/nix/x.ts", refused: "hono", allowed: "../result.ts" },
  { file: "src/access/x.ts", refused: "jose", allowed: "../errors.ts" },
  { file: "src/access/oidc/x.ts", refused: "../../config.ts", allowed: "jose" },
  { file: "src/http/x.ts", refused: "../bucket/bucket.ts", allowed: "../nix/hash.ts" },
  { file: "src/bucket/x.ts", refused: "../edge/edge.ts", allowed: "aws4fetch" },
  { file: "src/edge/x.ts", refused: "../bucket/b2-bucket.ts", allowed: "../bucket/bucket.ts" },
  { file: "src/serve/x.ts", refused: "../ingest/ingest.ts", allowed: "../bucket/bucket.ts" },
  { file: "src/ingest/x.ts", refused: "../routes/admit.ts", allowed: "../edge/edge.ts" },
  { file: "src/routes/x.ts", refused: "../bucket/s3-client.ts", allowed: "../bucket/bucket.ts" },
  { file: "src/routes/api/x.ts", refused: "../../cli/x.ts", allowed: "../../edge/edge.ts" },
  { file: "src/index.ts", refused: "./start/main.ts", allowed: "./app.ts" },
  { file: "src/s3-server/x.ts", refused: "../nix/hash.ts", allowed: "./store/x.ts" },
  { file: "src/cost/x.ts", refused: "../nix/hash.ts", allowed: "../result.ts" },
  { file: "src/cli/push/x.ts", refused: "../../app.ts", allowed: "../../nix/hash.ts" },
  { file: "src/action/x.ts", refused: "../app.ts", allowed: "../cli/cli-error.ts" },
] as const;

const directory = mkdtempSync(join(tmpdir(), "nargate-lint-"));
let report = "";

beforeAll(() => {
  copyFileSync(".oxlintrc.json", join(directory, ".oxlintrc.json"));
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

describe("the import directions of .oxlintrc.json", () => {
  it.each(IMPORTS)("let $file import $allowed and not $refused", ({ file }) => {
    expect(refusedLines(file)).toEqual(["1"]);
  });
});
