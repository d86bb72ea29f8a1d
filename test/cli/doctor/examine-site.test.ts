import { describe, expect, it, vi } from "vitest";
import { judgeVersion } from "../../../src/cli/doctor/examine-gateway.ts";
import { judgeClock } from "../../../src/cli/doctor/examine-site.ts";
import { judgeToken } from "../../../src/cli/doctor/examine-token.ts";
import { VERSION } from "../../../src/api/endpoints.ts";
import { GATEWAY_FACTS } from "../../../testkit/node/gateway-facts.ts";
import { runNargate, unwrapped } from "../../../testkit/node/run-nargate.ts";
import { answerJson, type Handler, serve } from "../../../testkit/node/serve.ts";

async function examine(handler: Handler) {
  const url = await serve(handler);
  // Without Nix, and without a home.
  const { code, stdout } = await runNargate(["doctor", url], { env: { PATH: "/nonexistent" } });
  // Only one long word, such as a key, may pass the width of a terminal.
  const tooLong = stdout.split("\n").filter((line) => line.length > 80);
  expect(tooLong.filter((line) => line.trim().includes(" "))).toEqual([]);
  return { code, lines: unwrapped(stdout).split("\n").slice(2) };
}

describe("nargate doctor", () => {
  it("prints each check when it has ended, and not all of them at the end", async () => {
    const held = Promise.withResolvers<void>();
    const url = await serve(async (request, response) => {
      if (request.url === "/api/v1/cache") {
        await held.promise;
        answerJson(response, GATEWAY_FACTS);
      } else if (request.url === "/nix-cache-info") response.end("StoreDir: /nix/store\n");
      else response.writeHead(404).end();
    });
    let said = "";
    const running = runNargate(["doctor", url], {
      env: { PATH: "/nonexistent" },
      stdout: { write: (text) => (said += text) },
    });
    await vi.waitUntil(() => said.includes("cache info"));
    expect(said).not.toContain("version");
    held.resolve();
    await running;
    expect(said).toContain("version");
  });

  it("does not ask for a new version where the gateway is there, and fails", async () => {
    const { code, lines } = await examine((request, response) => {
      if (request.url === "/nix-cache-info") response.end("StoreDir: /nix/store\n");
      else response.writeHead(503).end("The bucket behind this cache is not available.\n");
    });
    expect(code).toBe(1);
    const text = lines.join("\n");
    expect(text).toContain("503 The bucket behind this cache is not available.");
    expect(text).toContain(
      "The bucket is unavailable, or the daily cap of its account is used up.",
    );
    expect(text).not.toContain("deploy a new version");
  });

  it.each([
    { what: "at the first read", failing: /\.narinfo$/, reads: 0, target: "narinfo" },
    { what: "at the second read", failing: /\.narinfo$/, reads: 1, target: "narinfo" },
    { what: "with BUCKET_DOWN=miss", failing: /\.ls$/, reads: 0, target: "ls" },
  ])("fails without a token if the bucket is down $what", async ({ failing, reads, target }) => {
    let count = 0;
    const { code, lines } = await examine((request, response) => {
      const url = request.url ?? "";
      if (url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else if (url === "/nix-cache-info") response.end("StoreDir: /nix/store\n");
      else if (failing.test(url) && ++count > reads) {
        response.writeHead(503).end("The bucket behind this cache is not available.\n");
      } else response.writeHead(reads > 0 ? 200 : 404).end();
    });
    expect(code).toBe(1);
    expect(lines.join("\n")).toMatch(
      new RegExp(
        `FAIL +edge +GET [0-9a-z]{32}\\.${target}: 503 The bucket behind this cache is not available\\.\\s+→ The bucket is unavailable`,
      ),
    );
  });

  it.each([
    { status: 503, remedy: "The bucket is unavailable, or the daily cap" },
    { status: 500, remedy: "Its log says which: npx wrangler tail." },
    { status: 401, remedy: "Check that the token is for this cache." },
  ])("has a remedy for a token that is answered with $status", async ({ status, remedy }) => {
    const url = await serve((request, response) => {
      if (request.url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else if (request.url === "/nix-cache-info") response.end("StoreDir: /nix/store\n");
      else response.writeHead(request.url === "/api/v1/token" ? status : 404).end();
    });
    const env = { PATH: "/nonexistent", NARGATE_TOKEN: "t" };
    const { code, stdout } = await runNargate(["doctor", url, "--json"], { env });
    const { checks } = JSON.parse(stdout) as { checks: { check: string }[] };
    expect(code).toBe(1);
    expect(checks.find(({ check }) => check === "token")).toMatchObject({
      verdict: "FAIL",
      remedy: expect.stringContaining(remedy),
    });
  });
});

describe("nargate doctor of something else", () => {
  it("asks as Nix does", async () => {
    let agent: string | undefined;
    await examine((request, response) => {
      if (request.url === "/nix-cache-info") agent = request.headers["user-agent"];
      response.writeHead(404).end();
    });
    expect(agent).toMatch(/^curl\/\S+ Nix\//);
  });

  it.each([
    {
      what: "403 with a page",
      status: 403,
      headers: { "content-type": "text/html; charset=UTF-8" },
    },
    { what: "503 with a page", status: 503, headers: { "content-type": "text/html" } },
    { what: "cf-mitigated", status: 403, headers: { "cf-mitigated": "challenge" } },
  ])("knows a bot challenge by $what, and looks no further", async ({ status, headers }) => {
    const { code, lines } = await examine((_, response) => {
      response.writeHead(status, headers).end("<html>Just a moment...");
    });
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/^ok +reachable /),
      expect.stringMatching(new RegExp(`^FAIL +bot challenge +Cloudflare answers ${status} `)),
      expect.stringMatching(
        /^ +→ Security → WAF → Custom rules: when \(http\.host eq "127\.0\.0\.1:/,
      ),
      expect.stringMatching(/^skipped +other checks /),
      "",
      "1 ok, 1 FAIL, 1 skipped.",
      "",
    ]);
  });

  it("does not follow a redirect, and says where it leads", async () => {
    const { code, lines } = await examine((_, response) => {
      response.writeHead(301, { location: "https://www.example.org/" }).end();
    });
    expect(code).toBe(1);
    expect(lines[0]).toMatch(/^FAIL +reachable +127\.0\.0\.1:\d+ answers 301 and redirects to/);
    expect(lines[1]).toContain("This URL redirects to https://www.example.org/");
  });

  it.each([
    {
      what: "another binary cache",
      info: "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n",
      infoLine: /^ok +cache info/,
    },
    {
      what: "a web server that answers everything",
      info: "<html>hello",
      infoLine: /^FAIL +cache info +not a nix-cache-info/,
    },
  ])("says that $what is no Nargate", async ({ info, infoLine }) => {
    const { code, lines } = await examine((request, response) => {
      if (request.url === "/nix-cache-info") response.end(info);
      else response.writeHead(404).end();
    });
    expect(code).toBe(1);
    expect(lines.some((line) => infoLine.test(line))).toBe(true);
    const found = lines.find((line) => line.startsWith("FAIL     version"));
    expect(found).toContain("does not look like a Nargate cache");
  });

  it("asks for a token where the cache is private", async () => {
    const { lines } = await examine((request, response) => {
      if (request.url === "/api/v1/cache")
        answerJson(response, { ...GATEWAY_FACTS, access: "token" });
      else response.writeHead(401).end("A token is required.\n");
    });
    expect(lines).toContainEqual(
      expect.stringMatching(/^FAIL +cache info +401: this cache is private$/),
    );
    expect(lines).toContainEqual(
      expect.stringContaining("→ Give a token with --token-file, NARGATE_TOKEN or netrc."),
    );
  });

  it("skips what needs Nix where there is none, and says so", async () => {
    const { lines } = await examine((request, response) => {
      if (request.url === "/nix-cache-info") response.end("StoreDir: /nix/store\nPriority: 41\n");
      else if (request.url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else response.writeHead(404).end();
    });
    expect(lines).toContainEqual(
      expect.stringMatching(/^skipped +nix\.conf +nix is not on the PATH; install Nix$/),
    );
  });

  it("has colours on a terminal alone, and none with NO_COLOR", async () => {
    const url = await serve((_, response) => void response.writeHead(404).end());
    const outputs = await Promise.all(
      [
        { isTTY: true, env: {} },
        { isTTY: true, env: { NO_COLOR: "1" } },
        { isTTY: false, env: {} },
      ].map(async ({ isTTY, env }) => {
        let text = "";
        await runNargate(["doctor", url], {
          env: { PATH: "/nonexistent", ...env },
          stdout: { isTTY, write: (part) => (text += part) },
        });
        return text.includes("\u001B[");
      }),
    );
    expect(outputs).toEqual([true, false, false]);
  });
});

describe("judgeClock", () => {
  const SENT = Date.parse("2026-11-22T12:00:00Z");
  const ARRIVED = SENT + 2_000;
  it.each([
    {
      what: "the same second",
      date: "Sun, 22 Nov 2026 12:00:01 GMT",
      verdict: "ok",
      says: "agree",
    },
    { what: "a minute apart", date: "Sun, 22 Nov 2026 11:59:00 GMT", verdict: "ok", says: "agree" },
    {
      what: "more than a minute ahead",
      date: "Sun, 22 Nov 2026 11:58:59 GMT",
      verdict: "warn",
      says: "61 s ahead of",
    },
    {
      what: "an hour behind",
      date: "Sun, 22 Nov 2026 13:00:02 GMT",
      verdict: "warn",
      says: "3600 s behind",
    },
  ])("judges $what", ({ date, verdict, says }) => {
    const finding = judgeClock(date, SENT, ARRIVED);
    expect(finding?.verdict).toBe(verdict);
    expect(finding?.says).toContain(says);
  });

  it.each([null, "", "yesterday"])("says nothing where the date is %s", (date) => {
    expect(judgeClock(date, SENT, ARRIVED)).toBeUndefined();
  });
});

describe("judgeToken", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  it.each([
    { what: "a token that does not tell its end", expires: undefined, verdict: "ok" },
    { what: "one with eight days", expires: "2026-11-30", verdict: "ok" },
    { what: "one with seven days", expires: "2026-11-29", verdict: "warn" },
    { what: "one that ends today", expires: "2026-11-22", verdict: "warn" },
  ])("judges $what", ({ expires, verdict }) => {
    expect(judgeToken({ name: "ci", scopes: ["push"], expires }, "x", now).verdict).toBe(verdict);
  });
});

describe("judgeVersion", () => {
  const [major = "", minor = ""] = VERSION.split(".");
  it.each([
    { what: "the same one", version: VERSION, verdict: "ok" },
    { what: "another patch", version: `${major}.${minor}.99`, verdict: "ok" },
    { what: "another minor one", version: `${major}.${Number(minor) + 1}.0`, verdict: "warn" },
    { what: "another major one", version: `${Number(major) + 1}.${minor}.0`, verdict: "warn" },
  ])("judges $what", ({ version, verdict }) => {
    expect(judgeVersion({ ...GATEWAY_FACTS, version }).verdict).toBe(verdict);
  });
});
