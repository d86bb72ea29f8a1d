import { describe, expect, it } from "vitest";
import type { CollectionState } from "../../src/api/collection.ts";
import { GATEWAY_FACTS } from "../../testkit/node/gateway-facts.ts";
import { runNargate } from "../../testkit/node/run-nargate.ts";
import { answerJson, readBody, serve } from "../../testkit/node/serve.ts";

const RUN: NonNullable<CollectionState["last"]> = {
  kind: "plan",
  by: "root",
  startedAt: "2026-11-28T00:00:00.000Z",
  endedAt: "2026-11-28T00:01:00.000Z",
  phase: "narinfos",
  kept: { pushing: 0, pinned: 1, young: 2, newest: 0, needed: 3 },
  going: 2,
  goingBytes: 1_500_000,
  removedPaths: 0,
  removedNars: 0,
  removedBytes: 0,
  budgetCutoff: null,
};

const STATE: CollectionState = {
  collecting: true,
  running: null,
  last: RUN,
  obstacles: [],
  pathGraceSeconds: 3 * 86_400,
  narGraceSeconds: 30 * 86_400,
};

const hashOf = (digit: string) => digit.repeat(32);
const lineOf = (digit: string, rule: string | null) => ({
  path: hashOf(digit),
  name: "thing",
  bytes: 1000,
  pushedAt: null,
  usedAt: null,
  goesAt: rule === null ? "2026-12-01T00:00:00.000Z" : null,
  rule,
});

/** Serves a cache with these answers by the path of the request. */
async function serveCollection(answers: Readonly<Record<string, unknown>>) {
  const sent: unknown[] = [];
  const url = await serve(async (request, response) => {
    const bytes = await readBody(request);
    if (bytes.length > 0) sent.push(JSON.parse(bytes.toString()));
    const target = (request.url ?? "").replace("/api/v1/", "");
    if (target === "cache") return answerJson(response, GATEWAY_FACTS);
    const answer = answers[target];
    if (answer !== undefined) return answerJson(response, answer);
    answerJson(
      response,
      { error: { code: "no-such-endpoint", message: "No such path.", requestId: "r" } },
      404,
    );
  });
  return { url, sent };
}

describe("nargate gc", () => {
  it("lists with --dry-run what would go, page by page, and counts what stays", async () => {
    const { url, sent } = await serveCollection({
      gc: { ...STATE, running: { ...RUN, endedAt: null, phase: "paths" } },
      "gc/state": STATE,
      "gc/paths?show=going": { paths: [lineOf("a", null)], next: hashOf("a") },
      [`gc/paths?show=going&after=${hashOf("a")}`]: { paths: [lineOf("b", null)], next: null },
    });
    const { code, stdout, stderr } = await runNargate(["gc", "--dry-run", "--to", url]);
    expect([code, stderr]).toEqual([0, "judging the paths\n"]);
    expect(sent).toEqual([{ kind: "plan" }]);
    expect(stdout).toBe(
      [
        `/nix/store/${hashOf("a")}-thing  1.0 KiB  from 2026-12-01`,
        `/nix/store/${hashOf("b")}-thing  1.0 KiB  from 2026-12-01`,
        "",
        "6 paths stay",
        "  1 pinned",
        "  2 young enough (KEEP_DAYS, KEEP_GIGABYTES)",
        "  3 needed by a path that stays",
        "2 paths go, with NARs of 1.4 MiB",
        "  A narinfo goes 3 days after nothing keeps it, and its NAR 30 days",
        "  later, so the space comes back later too. A NAR that another path names stays.",
        "",
      ].join("\n"),
    );
  });

  it("prints JSON with the reason why each path stays", async () => {
    const { url } = await serveCollection({
      gc: STATE,
      "gc/paths?show=going": { paths: [], next: null },
      "gc/paths?show=staying": { paths: [lineOf("c", "pinned")], next: null },
    });
    const { code, stdout } = await runNargate(["gc", "--dry-run", "--json", "--to", url]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      last: { going: 2 },
      going: [],
      staying: [{ path: hashOf("c"), rule: "pinned" }],
    });
  });

  it("says why --run removed nothing, and exits with 1", async () => {
    const { url } = await serveCollection({
      gc: { ...STATE, obstacles: ["the bucket is not known: wait"] },
    });
    const { code, stdout } = await runNargate(["gc", "--run", "--to", url]);
    expect(code).toBe(1);
    expect(stdout).toContain("nothing is removed: the bucket is not known: wait\n");
  });

  it("shows the last collection without a flag, and asks for nothing", async () => {
    const run = { ...RUN, kind: "run", by: "schedule", removedPaths: 5, removedNars: 1 };
    const { url, sent } = await serveCollection({ "gc/state": { ...STATE, last: run } });
    const { code, stdout } = await runNargate(["gc", "--to", url]);
    expect([code, sent]).toEqual([0, []]);
    expect(stdout).toContain("the last collection, by schedule, ended at 2026-11-28T00:01:00.000Z");
    expect(stdout).toContain("removed 5 paths and 1 NAR (0 B)");
  });

  it("says that a gateway is too old, and that its flags exclude each other", async () => {
    const { url } = await serveCollection({});
    const old = await runNargate(["gc", "--to", url]);
    expect([old.code, old.stderr]).toEqual([1, expect.stringContaining("older than this command")]);
    const both = await runNargate(["gc", "--dry-run", "--run", "--to", url]);
    expect([both.code, both.stderr]).toEqual([2, "nargate: give either --dry-run or --run\n"]);
  });
});

async function why(answer: object) {
  const { url } = await serveCollection({ [`why?path=${hashOf("a")}`]: answer });
  return await runNargate(["why", hashOf("a"), "--to", url]);
}

describe("nargate why", () => {
  const NOTHING = { chain: [], rule: null, since: null, goesAt: null, collecting: true };

  it("follows who needs the path up to the rule that keeps it", async () => {
    const { code, stdout } = await why({
      ...NOTHING,
      state: "kept",
      rule: "young",
      since: "2026-11-27T10:00:00.000Z",
      chain: [
        { path: hashOf("a"), name: "glibc" },
        { path: hashOf("b"), name: "hello" },
      ],
    });
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        `/nix/store/${hashOf("a")}-glibc`,
        `  is needed by /nix/store/${hashOf("b")}-hello`,
        "  which is young enough (since 2026-11-27)",
        "",
      ].join("\n"),
    );
  });

  it.each([
    { answer: { state: "absent" }, says: "not in the cache" },
    { answer: { state: "removed" }, says: "was removed" },
    { answer: { state: "deleting" }, says: "is being removed" },
    {
      answer: { state: "going", goesAt: "2026-12-01T00:00:00.000Z" },
      says: "It goes on 2026-12-01 or later",
    },
    {
      answer: { state: "going", goesAt: null, collecting: false },
      says: "It stays all the same",
    },
  ])("says of a path: $says", async ({ answer, says }) => {
    const { code, stdout } = await why({ ...NOTHING, ...answer });
    expect(code).toBe(1);
    expect(stdout).toContain(says);
  });
});
