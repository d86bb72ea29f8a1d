import { describe, expect, it } from "vitest";
import { GATEWAY_FACTS } from "../../../testkit/node/gateway-facts.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { answerJson, serve } from "../../../testkit/node/serve.ts";

const [FIRST, SECOND, THIRD] = ["1", "2", "3"].map((digit) => digit.repeat(32)) as [
  string,
  string,
  string,
];
const TOKEN = { env: { NARGATE_TOKEN: "nargate_token", HOME: "/nonexistent" } };

interface World {
  /** What needs FIRST, referrers first, then FIRST. */
  readonly dependents?: readonly string[];
  /** Answers a DELETE. */
  readonly deletion?: (path: string) => number;
  readonly purgeStatus?: number;
  /** The hashes of the paths that the pin v1.0 keeps. */
  readonly pinned?: readonly string[];
}

/** Serves a gateway with a catalog. `asked` has the requests that change something. */
async function serveGateway({
  dependents = [THIRD, SECOND, FIRST],
  deletion = () => 204,
  purgeStatus = 200,
  pinned = [],
}: World = {}) {
  const asked: string[] = [];
  const url = await serve((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://cache");
    if (pathname === "/api/v1/cache") return answerJson(response, GATEWAY_FACTS);
    if (pathname.endsWith("/dependents")) {
      const lines = dependents.map((hash) => ({
        hash,
        name: `thing-${hash[0]}`,
        present: true,
        narSize: 1000,
        fileSize: 100,
      }));
      const end = { complete: true, listedFrom: null, paths: lines.length, more: false };
      const all = [...lines, { dependents: end }];
      response.end(all.map((line) => `${JSON.stringify(line)}\n`).join(""));
      return;
    }
    if (pathname === "/api/v1/pins") {
      const revisions = pinned.map((hash) => ({
        name: "v1.0",
        path: `${hash}-thing`,
        at: "2026-11-01T00:00:00.000Z",
        by: "ci",
        keep: "forever",
      }));
      return answerJson(response, { revisions, unreadable: [], next: null });
    }
    if (request.method === "DELETE") {
      asked.push(`DELETE ${request.url}`);
      const status = deletion(pathname);
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(status === 204 ? undefined : "It cannot be deleted.\n");
      return;
    }
    if (pathname === "/api/v1/purge") {
      asked.push("purge");
      const failure = { error: { code: "edge-not-purged", message: "The edge has it." } };
      return answerJson(response, purgeStatus === 200 ? { purged: true } : failure, purgeStatus);
    }
    answerJson(response, { error: { code: "path-not-in-catalog", message: "Unknown." } }, 404);
  });
  const run = async (...args: readonly string[]) =>
    await runNargate(["delete", FIRST, ...args, "--to", url], TOKEN);
  return { run, asked };
}

describe("nargate delete", () => {
  it("deletes a path that nothing needs, and drops it from the edge", async () => {
    const { run, asked } = await serveGateway({ dependents: [FIRST] });
    const { code, stdout } = await run("--yes");
    expect([code, stdout]).toEqual([0, `1 path to delete:\n  ${FIRST}-thing-1\n1 path deleted\n`]);
    expect(asked).toEqual([`DELETE /${FIRST}.narinfo?purge=false`, "purge"]);
  });

  it("names what needs the path, and deletes nothing", async () => {
    const { run, asked } = await serveGateway();
    const { code, stdout, stderr } = await run("--yes");
    expect(code).toBe(1);
    expect(stdout).toContain(`2 paths of this cache need it`);
    expect(stdout).toContain(`${THIRD}-thing-3`);
    expect(stderr).toContain("--with-referrers");
    expect(asked).toEqual([]);
  });

  it("deletes referrers first, if it may", async () => {
    const { run, asked } = await serveGateway();
    expect((await run("--yes", "--with-referrers")).code).toBe(0);
    expect(asked).toEqual([
      ...[THIRD, SECOND, FIRST].map((hash) => `DELETE /${hash}.narinfo?purge=false`),
      "purge",
    ]);
  });

  it("shows the whole set in a dry run, and deletes nothing", async () => {
    const { run, asked } = await serveGateway();
    const { code, stdout } = await run("--dry-run", "--with-referrers");
    expect([code, stdout.split("\n")[0]]).toEqual([0, "3 paths to delete:"]);
    expect(asked).toEqual([]);
  });

  it("deletes nothing if a pin keeps one of the paths, and names the pin", async () => {
    const { run, asked } = await serveGateway({ pinned: [SECOND] });
    for (const flag of ["--dry-run", "--yes"]) {
      const { code, stdout, stderr } = await run(flag, "--with-referrers");
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("pins keep some of these paths: v1.0.");
    }
    expect(asked).toEqual([]);
  });

  it("asks, and without a terminal wants --yes", async () => {
    const { run, asked } = await serveGateway({ dependents: [FIRST] });
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([2, expect.stringContaining("Add --yes")]);
    expect(asked).toEqual([]);
  });

  it("stops at the first path that the gateway refuses to delete", async () => {
    const { run, asked } = await serveGateway({
      deletion: (path) => (path.startsWith(`/${SECOND}`) ? 409 : 204),
    });
    const { code, stdout, stderr } = await run("--yes", "--with-referrers");
    expect(code).toBe(1);
    expect(stdout).toContain("1 path deleted");
    expect(stderr).toContain("It cannot be deleted.");
    expect(asked).not.toContain(`DELETE /${FIRST}.narinfo?purge=false`);
  });

  it("says if the edge may keep what was deleted", async () => {
    const { run } = await serveGateway({ dependents: [FIRST], purgeStatus: 409 });
    const { code, stderr } = await run("--yes");
    expect([code, stderr]).toEqual([1, expect.stringContaining("EDGE_EPOCH")]);
  });

  it("says that a path is not in the cache", async () => {
    const { run } = await serveGateway({ dependents: [] });
    expect(await run("--yes")).toMatchObject({ code: 1, stdout: `${FIRST}: missing\n` });
  });
});
