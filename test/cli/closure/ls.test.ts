import { describe, expect, it } from "vitest";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../../src/nix/signature.ts";
import { valueOf } from "../../../testkit/value-of.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { samplePath } from "../../../testkit/node/sample-path.ts";
import { serve, answerJson } from "../../../testkit/node/serve.ts";
import { serveCache } from "../../../testkit/node/serve-cache.ts";
import { GATEWAY_FACTS } from "../../../testkit/node/gateway-facts.ts";

const KEY = await generateSecretKey("ci-1");

const FACTS = { publicKeys: [formatPublicKey(publicKeyOf(valueOf(parseSecretKey(KEY))))] };

/** top → left, right → base. The cache lacks right, and base also refers to itself. */
async function diamond() {
  const secretKeys = [KEY];
  const base = await samplePath("base", { secretKeys });
  const left = await samplePath("left", { references: [base], secretKeys });
  const right = await samplePath("right", { references: [base], secretKeys });
  const top = await samplePath("top", { references: [left, right], secretKeys });
  return { base, left, right, top };
}

describe("nargate ls", () => {
  it("lists present and missing paths, and exits with 1 if one is missing", async () => {
    const { left, right } = await diamond();
    const url = await serveCache([left], FACTS);
    const { code, stdout, stderr } = await runNargate([
      "ls",
      "--to",
      url,
      left.storePath,
      right.hash,
    ]);
    expect([code, stderr]).toEqual([1, ""]);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(new RegExp(`^${left.storePath} +15 B +15 B none +ci-1$`));
    expect(lines[1]).toMatch(new RegExp(`^${right.hash} +missing$`));
    expect(lines[3]).toBe("1 path, 15 B unpacked, 15 B in the cache; 1 missing");
  });

  it("exits with 0 if no path is missing, and asks for each path once", async () => {
    const { left } = await diamond();
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url);
      if (request.url === "/api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...FACTS });
      else response.end(left.narinfo);
    });
    const { code } = await runNargate([
      "ls",
      "--to",
      url,
      left.storePath,
      left.hash,
      left.baseName,
    ]);
    expect(code).toBe(0);
    expect(asked).toEqual(["/api/v1/cache", `/${left.hash}.narinfo`]);
  });

  it.each([
    { what: "has no signature", secretKeys: [], shown: "unsigned", facts: FACTS },
    {
      what: "is signed by a key that nobody publishes",
      secretKeys: [KEY],
      shown: "ci-1",
      facts: { publicKeys: [] },
    },
  ])("calls a path unusable that $what, and exits with 1", async ({ secretKeys, shown, facts }) => {
    const path = await samplePath("lonely", { secretKeys });
    const { code, stdout } = await runNargate([
      "ls",
      "--to",
      await serveCache([path], facts),
      path.hash,
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain(`none  ${shown}  UNUSABLE\n`);
    expect(stdout).toContain("unusable: 1, because of this: ");
  });

  it("shows the token, so that the edge does not answer for what has just come", async () => {
    const { base } = await diamond();
    let seen: string | undefined;
    const url = await serve((request, response) => {
      if (request.url === "/api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...FACTS });
      else {
        seen = request.headers.authorization;
        response.end(base.narinfo);
      }
    });
    await runNargate(["ls", "--to", url, base.hash], { env: { NARGATE_TOKEN: "t" } });
    expect(seen).toBe("Bearer t");
  });
});

describe("nargate ls of what only Nix can read", () => {
  it("counts it as there", async () => {
    const { base } = await diamond();
    const url = await serve((request, response) => {
      if (request.url === "/api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...FACTS });
      else response.end(Buffer.from("\u{fd}7zXZ\0", "latin1"));
    });
    const { code, stdout } = await runNargate(["ls", "--to", url, base.hash]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${base.hash}  there, in a compression that only Nix reads`);
    const json = await runNargate(["ls", "--json", "--to", url, base.hash]);
    expect(JSON.parse(json.stdout).paths).toEqual([
      { path: base.hash, status: "unreadable", neededBy: [] },
    ]);
  });
});

describe("nargate ls --verify", () => {
  it("finds the paths whose NAR is gone or cut, and exits with 1", async () => {
    const { base, left } = await diamond();
    const files = { [left.narUrl]: "cut", [base.narUrl]: undefined };
    const url = await serveCache([base, left], FACTS, files);
    const args = ["ls", "--closure", "--to", url, left.storePath];
    expect((await runNargate(args)).code).toBe(0);
    const { code, stdout } = await runNargate([...args, "--verify"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`^${left.storePath} .*its NAR has the WRONG SIZE$`, "m"));
    expect(stdout).toMatch(new RegExp(`^${base.storePath} .*its NAR is MISSING$`, "m"));
    const json = await runNargate([...args, "--verify", "--json"]);
    expect(JSON.parse(json.stdout).paths).toMatchObject([
      { status: "present", nar: { verdict: "WRONG SIZE", size: 3 } },
      { status: "present", nar: { verdict: "MISSING", size: null } },
    ]);
  });

  it("exits with 0 if every NAR is there", async () => {
    const { base } = await diamond();
    const url = await serveCache([base], FACTS);
    expect((await runNargate(["ls", "--verify", "--to", url, base.hash])).code).toBe(0);
  });
});

describe("nargate ls --closure", () => {
  it("follows the references in the cache, and names the paths that need a missing path", async () => {
    const { base, left, right, top } = await diamond();
    const url = await serveCache([top, left, base], FACTS);
    const { code, stdout } = await runNargate(["ls", "--closure", "--to", url, top.storePath]);
    expect(code).toBe(1);
    const paths = stdout
      .split("\n")
      .slice(0, 4)
      .map((line) => line.split(" ")[0]);
    expect(paths).toEqual([top.storePath, left.storePath, right.storePath, base.storePath]);
    expect(stdout).toContain("\n3 paths, 44 B unpacked, 44 B in the cache; 1 missing\n");
    expect(stdout).toContain(`\nmissing: ${right.storePath}, needed by ${top.storePath}\n`);
  });

  it("counts all who need a missing path, and a file once that several paths share", async () => {
    const { base, left, right } = await diamond();
    const twin = { ...right, narinfo: right.narinfo.replace(right.narUrl, left.narUrl) };
    const url = await serveCache([left, twin], FACTS);
    const { code, stdout } = await runNargate([
      "ls",
      "--closure",
      "--json",
      "--to",
      url,
      left.storePath,
      right.storePath,
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      url,
      paths: [
        { path: left.storePath, status: "present", narSize: 15, signedBy: ["ci-1"] },
        { path: right.storePath, status: "present", narSize: 16, signedBy: ["ci-1"] },
        { path: base.storePath, status: "missing", neededBy: [left.storePath, right.storePath] },
      ],
      totals: { present: 2, missing: 1, narBytes: 31, fileBytes: 16 },
    });
    const { stdout: text } = await runNargate([
      "ls",
      "--closure",
      "--to",
      url,
      left.storePath,
      right.storePath,
    ]);
    expect(text).toContain(`missing: ${base.storePath}, needed by ${left.storePath} and 1 more\n`);
  });

  it("ends where paths refer to themselves", async () => {
    const base = await samplePath("selfish");
    const selfish = await samplePath("selfish", { references: [base], secretKeys: [KEY] });
    const url = await serveCache([selfish], FACTS);
    const { code, stdout } = await runNargate(["ls", "--closure", "--to", url, selfish.hash]);
    expect(code).toBe(0);
    expect(stdout).toContain("1 path, 18 B unpacked");
  });

  it("asks for many at once, and not for more than 16", async () => {
    const leaves = await Promise.all(
      Array.from({ length: 60 }, (_, index) => samplePath(`leaf-${index}`, { secretKeys: [KEY] })),
    );
    const top = await samplePath("many", { references: leaves, secretKeys: [KEY] });
    const texts = new Map(
      [top, ...leaves].map(({ hash, narinfo }) => [`/${hash}.narinfo`, narinfo]),
    );
    let open = 0;
    let most = 0;
    const url = await serve((request, response) => {
      if (request.url === "/api/v1/cache") {
        answerJson(response, { ...GATEWAY_FACTS, ...FACTS });
        return;
      }
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end(texts.get(request.url ?? ""));
      }, 10);
    });
    const { code, stdout } = await runNargate(["ls", "--closure", "--to", url, top.hash]);
    expect(code).toBe(0);
    expect(stdout).toContain("61 paths,");
    expect(most).toBeGreaterThan(4);
    expect(most).toBeLessThanOrEqual(16);
  });

  it("ends with one line at the first failure, and begins no further request", async () => {
    const leaves = await Promise.all(
      Array.from({ length: 60 }, (_, index) => samplePath(`leaf-${index}`, { secretKeys: [KEY] })),
    );
    const top = await samplePath("many", { references: leaves, secretKeys: [KEY] });
    let asked = 0;
    const url = await serve((request, response) => {
      if (request.url === "/api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...FACTS });
      else if (request.url === `/${top.hash}.narinfo`) response.end(top.narinfo);
      else {
        asked++;
        response.writeHead(401).end("A token is required.\n");
      }
    });
    const { code, stdout, stderr } = await runNargate(["ls", "--closure", "--to", url, top.hash]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^nargate: [0-9a-z]{32}\.narinfo: 401 A token is required\.\n$/);
    expect(asked).toBeLessThanOrEqual(16);
  });
});
