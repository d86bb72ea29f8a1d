import { describe, expect, it } from "vitest";
import type { CatalogStats, KnownPath, PathPage } from "../../../src/api/catalog-answers.ts";
import { formatKnownPath } from "../../../src/cli/catalog/known-path-report.ts";
import { formatStats } from "../../../src/cli/catalog/stats-report.ts";
import { GATEWAY_FACTS } from "../../../testkit/node/gateway-facts.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { samplePath } from "../../../testkit/node/sample-path.ts";
import { answerJson, serve } from "../../../testkit/node/serve.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const HOSTILE = "\u001B[2Jx\n::error::y\u202E";
const TOKEN = { env: { NARGATE_TOKEN: "nargate_token", HOME: "/nonexistent" } };
const COMMANDS: readonly { readonly args: readonly string[] }[] = [
  { args: ["ls", "--all"] },
  { args: ["search", "hello"] },
  { args: ["closure", HASH] },
  { args: ["stats"] },
];
// oxlint-disable-next-line no-control-regex -- it finds the control characters
const OBEYED = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]|^::/m;

/** Serves a gateway that answers the routes of the catalog by `answer`. */
async function serveGateway(answer: (url: URL) => unknown, status = 200) {
  const asked: string[] = [];
  const url = await serve((request, response) => {
    if (request.url === "/api/v1/cache") return answerJson(response, GATEWAY_FACTS);
    asked.push(request.url ?? "");
    const value = answer(new URL(request.url ?? "", "http://cache"));
    if (Array.isArray(value))
      response.end(value.map((line) => `${JSON.stringify(line)}\n`).join(""));
    else answerJson(response, value, status);
  });
  const run = async (...args: readonly string[]) => await runNargate([...args, "--to", url], TOKEN);
  return { run, asked, url };
}

const pathOf = (name: string) => ({
  hash: HASH,
  name,
  narSize: 1024,
  fileSize: 100,
  pushedAt: "2026-11-02T10:11:12Z",
  usedAt: null,
});
const page = (names: readonly string[], next: string | null): PathPage => ({
  complete: true,
  listedFrom: "2026-11-02T00:00:00.000Z",
  paths: names.map(pathOf),
  next,
});

describe.each(COMMANDS)("nargate $args.0", ({ args }) => {
  it.each([
    ["a gateway without a catalog", "catalog-off", 404, "set CATALOG=on"],
    ["an older gateway", "no-such-endpoint", 404, "deploy the version of this command"],
    ["a catalog that is used up", "catalog-over-limit", 503, "It goes on at 00:00 UTC"],
    ["a token that may only read", "scope-missing", 403, "does not allow this"],
  ])("says in one line what to do about %s", async (_, code, status, says) => {
    const message =
      code === "catalog-over-limit" ? "It goes on at 00:00 UTC." : "does not allow this";
    const { run } = await serveGateway(() => ({ error: { code, message } }), status);
    const { code: exit, stdout, stderr } = await run(...args);
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("needs a token", async () => {
    const { url, asked } = await serveGateway(() => ({}));
    const { code, stderr } = await runNargate([...args, "--to", url]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("needs a token with the scope push"),
    ]);
    expect(asked).toEqual([]);
  });
});

describe("nargate ls --all", () => {
  it("asks for page after page, and prints each as it comes", async () => {
    const { run, asked } = await serveGateway((url) =>
      url.searchParams.has("after") ? page(["b"], null) : page(["a"], HASH),
    );
    const { code, stdout, stderr } = await run("ls", "--all");
    expect(code).toBe(0);
    expect(stdout).toBe(`   1.0 KiB  2026-11-02  ${HASH}-a\n   1.0 KiB  2026-11-02  ${HASH}-b\n`);
    expect(stderr).toBe("2 paths, 2.0 KiB unpacked\n");
    expect(asked).toEqual(["/api/v1/paths?order=hash", `/api/v1/paths?order=hash&after=${HASH}`]);
  });

  it("says while the catalog is being filled that paths may be left out", async () => {
    const { run } = await serveGateway(() => ({ ...page(["a"], null), complete: false }));
    expect((await run("ls", "--all")).stderr).toContain("lists the bucket for the first time");
    const { stdout, stderr } = await run("ls", "--all", "--json");
    expect(JSON.parse(stdout.split("\n")[1] ?? "")).toEqual({
      summary: {
        paths: 1,
        narSize: 1024,
        complete: false,
        listedFrom: "2026-11-02T00:00:00.000Z",
      },
    });
    expect(stderr).toContain("may be left out");
  });

  it("stops at pages that do not end", async () => {
    const { run } = await serveGateway(() => page(["a"], HASH));
    expect((await run("ls", "--all")).stderr).toContain("its pages do not end");
  });

  it.each([
    [["ls"], "nothing to list"],
    [["ls", "--all", HASH], "takes no path"],
    [["ls", "--all", "--verify"], "no --verify"],
    [["ls", "--by-name", HASH], "--by-name needs --all"],
  ])("refuses %j", async (args, says) => {
    const { run } = await serveGateway(() => ({}));
    expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });
  });
});

describe("what a hostile gateway says", () => {
  it("is shown, and never obeyed", async () => {
    const listed = await serveGateway(() => page([HOSTILE], null));
    expect((await listed.run("ls", "--all")).stdout).not.toMatch(OBEYED);
    const closure = { hash: HASH, name: HOSTILE, present: true, narSize: 1, fileSize: 1 };
    const walked = await serveGateway(() => [closure]);
    const { stdout, stderr } = await walked.run("closure", HASH);
    expect(stdout + stderr).not.toMatch(OBEYED);
    expect(stderr).toContain("it was cut");
    expect(formatStats("http://cache", STATS)).not.toMatch(OBEYED);
    expect(formatKnownPath(KNOWN)).not.toMatch(OBEYED);
  });
});

describe("nargate info", () => {
  it("shows what the catalog knows beyond the narinfo", async () => {
    const path = await samplePath("thing");
    const url = await serve((request, response) => {
      if (request.url === "/api/v1/cache") return answerJson(response, GATEWAY_FACTS);
      if (request.url === `/api/v1/paths/${path.hash}`) {
        return answerJson(response, {
          ...KNOWN,
          push: { ...PUSH, claims: { ref: "refs/heads/main" } },
        });
      }
      response.end(request.url?.endsWith(".narinfo") === true ? path.narinfo : path.nar);
    });
    const { stdout } = await runNargate(["info", "--to", url, path.hash], TOKEN);
    expect(stdout.split("\n").slice(-8)).toEqual([
      "  references  none",
      "  pushed      2026-11-02 10:11 UTC by ci",
      "              ref refs/heads/main",
      "  used        about 2026-11-20 00:00 UTC, when the bucket was last asked",
      "  built in    1 m 12 s",
      `  needed by   ${HASH}-other`,
      "              and more than 999 others",
      "",
    ]);
  });
});

const PUSH = { by: "ci", at: "2026-11-02T10:11:12Z", claims: { repository: HOSTILE } };
const KNOWN: KnownPath = {
  complete: true,
  listedFrom: null,
  hash: HASH,
  name: HOSTILE,
  present: true,
  problem: null,
  nar: null,
  narHash: null,
  narSize: 1,
  fileSize: 1,
  deriver: null,
  contentAddress: null,
  signatures: [],
  push: PUSH,
  pushedAt: PUSH.at,
  usedAt: "2026-11-20T00:00:00Z",
  buildSeconds: 72,
  references: [],
  referrers: { count: 1000, more: true, first: [{ hash: HASH, name: "other", present: true }] },
};
const STATS: CatalogStats = {
  complete: false,
  listedFrom: null,
  listing: 0.5,
  failure: HOSTILE,
  paths: 1,
  narSize: 1,
  storedNars: null,
  storedBytes: null,
  looseNars: 0,
  looseBytes: 0,
  unreadable: 1,
  pushes: 1,
  lastPush: { by: HOSTILE, at: HOSTILE },
  databaseBytes: 1,
};
