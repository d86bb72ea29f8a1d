import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { checkDeployment } from "../../../tools/canary/check-deployment.ts";
import { parseStorePathArgument } from "../../../tools/canary/deployment.ts";
import { exitCodeOf, type Report } from "../../../src/checks/report.ts";
import { formatReport } from "../../../src/checks/format-report.ts";
import { encodeNix32 } from "../../../src/nix/encodings.ts";
import { type LocalGateway, startLocalGateway } from "../../../testkit/node/local-gateway.ts";
import { errorOf, valueOf } from "../../../testkit/value-of.ts";
import { runCanary } from "../../../testkit/node/run-canary.ts";
import { NAR_HEAD } from "../../../testkit/store-path.ts";

// workerd starts, and on a busy machine all of it takes longer.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const NAR = Buffer.alloc(20_000, "twenty thousand bytes of a NAR\n");
// The edge keeps only what begins as a NAR.
NAR.write(NAR_HEAD);
const FILE_HASH = encodeNix32(createHash("sha256").update(NAR).digest());
const NAR_KEY = `nar/${FILE_HASH}.nar`;
const NARINFO = `StorePath: /nix/store/${HASH}-thing
URL: ${NAR_KEY}
Compression: none
FileHash: sha256:${FILE_HASH}
FileSize: ${NAR.byteLength}
NarHash: sha256:${FILE_HASH}
NarSize: ${NAR.byteLength}
References: 
`;

const PATH_FACTS = [
  "the narinfo of --path",
  "the second read of the narinfo",
  "the NAR with Range: bytes=1-8",
  "the length of the NAR, by HEAD and by GET",
  "the NAR with Accept-Encoding: identity",
  "the NAR with Accept-Encoding: zstd, br, gzip",
  "the second read of the NAR",
];

async function fill({ bucket }: LocalGateway): Promise<void> {
  await bucket.write(NAR_KEY, NAR, "application/x-nix-nar");
  await bucket.write(`${HASH}.narinfo`, Buffer.from(NARINFO), "text/x-nix-narinfo");
}

async function look(url: string, path?: string): Promise<Report> {
  const storePath = path === undefined ? undefined : valueOf(parseStorePathArgument(path));
  return await checkDeployment(url, storePath, new AbortController().signal);
}

function factsThat({ findings }: Report, verdict: string): readonly string[] {
  return findings.filter((row) => row.verdict === verdict).map(({ check }) => check);
}

describe("checkDeployment of a gateway", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    await fill(gateway);
  });
  afterAll(() => gateway.stop());

  it("finds all as promised", async () => {
    const report = await look(gateway.url, `/nix/store/${HASH}-thing`);
    expect(report.findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(report.findings).toHaveLength(12);
    expect(exitCodeOf(report)).toBe(0);
  });

  it("names what it skips without a path", async () => {
    const report = await look(gateway.url);
    expect(factsThat(report, "skipped")).toEqual(PATH_FACTS);
    expect(factsThat(report, "ok")).toHaveLength(5);
  });

  it("reports a path that is not there, and guesses nothing about its NAR", async () => {
    const report = await look(gateway.url, "z".repeat(32));
    expect(factsThat(report, "FAIL")).toContain("the narinfo of --path");
    expect(factsThat(report, "unknown")).toEqual(PATH_FACTS.slice(2));
  });

  it("runs as a command with a bucket's settings about, which it does not use", async () => {
    const result = await runCanary(["--url", `${gateway.url}/`], { B2_BUCKET: "ai-dev-env" });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(/^5 ok, 0 FAIL, 7 skipped\.$/m);
  });
});

describe("checkDeployment of a gateway with other settings", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway({ EDGE: "off", PRIORITY: "30", STORE_DIR: "/gnu/store" });
    await fill(gateway);
  });
  afterAll(() => gateway.stop());

  it("reports a low priority and another store directory", async () => {
    const report = await look(gateway.url);
    expect(factsThat(report, "FAIL")).toEqual([
      "nix-cache-info: Priority (cache.nixos.org has 40)",
      "nix-cache-info: StoreDir",
    ]);
    expect(formatReport(report)).toContain("30: Nix asks this cache before cache.nixos.org");
  });

  it("reports that the edge keeps nothing", async () => {
    await gateway.bucket.write(
      `${HASH}.narinfo`,
      Buffer.from(NARINFO.replace("/nix/store", "/gnu/store")),
    );
    const report = await look(gateway.url, `/gnu/store/${HASH}-thing`);
    expect(factsThat(report, "FAIL")).toEqual([
      "nix-cache-info: Priority (cache.nixos.org has 40)",
      "the second read of the narinfo",
      "the second read of the NAR",
    ]);
  });
});

describe("checkDeployment of something else", () => {
  type Handler = (request: IncomingMessage, response: ServerResponse) => void;
  const servers: { close(): void; closeAllConnections(): void }[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function serve(handler: Handler): Promise<string> {
    const server = createServer(handler);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no port");
    return `http://127.0.0.1:${address.port}`;
  }

  it.each([
    {
      what: "403 with HTML",
      status: 403,
      headers: { "content-type": "text/html; charset=UTF-8" },
      says: "a bot challenge: 403 with HTML",
    },
    {
      what: "503 with HTML",
      status: 503,
      headers: { "content-type": "text/html" },
      says: "a bot challenge: 503 with HTML",
    },
    {
      what: "cf-mitigated",
      status: 403,
      headers: { "cf-mitigated": "challenge" },
      says: "a bot challenge: 403, cf-mitigated: challenge",
    },
  ])("knows a bot challenge by $what, and names the rule", async ({ status, headers, says }) => {
    const url = await serve((_, response) => {
      response.writeHead(status, headers).end("<title>Just a moment...</title>");
    });
    const report = await look(url, HASH);
    expect(report.findings[0]).toMatchObject({ check: "nix-cache-info", verdict: "FAIL", says });
    expect(report.findings[0]?.remedy).toContain("Security → WAF → Custom rules");
    expect(report.findings[0]?.remedy).toContain(`http.host eq "${new URL(url).host}"`);
    expect(factsThat(report, "skipped")).toHaveLength(11);
    expect(exitCodeOf(report)).toBe(1);
  });

  it.each([
    { what: "a private cache", status: 401, body: "A token is required", says: "401" },
    { what: "a failing one", status: 500, body: "", says: "500" },
    { what: "a page", status: 200, body: "<html></html>", says: "not a nix-cache-info" },
  ])("stops at $what", async ({ status, body, says }) => {
    const report = await look(await serve((_, response) => response.writeHead(status).end(body)));
    expect(report.findings[0]).toMatchObject({ verdict: "FAIL", says });
    expect(factsThat(report, "ok")).toEqual([]);
  });

  it("reports an address where nobody answers", async () => {
    const report = await look("http://127.0.0.1:9");
    expect(report.findings[0]).toMatchObject({ verdict: "FAIL" });
    expect(report.findings[0]?.says).toMatch(/^no answer: /);
  });

  it("reports what compresses NARs, drops ranges and keeps absences too long", async () => {
    const url = await serve(({ url: target = "", headers, method }, response) => {
      if (target === "/nix-cache-info") {
        response.end("StoreDir: /nix/store\nPriority: 41\n");
      } else if (target === `/${HASH}.narinfo`) {
        response.setHeader("server-timing", 'edge;desc="hit"').end(NARINFO);
      } else if (target === `/${NAR_KEY}`) {
        const isGzip =
          headers["accept-encoding"]?.includes("gzip, ") ||
          headers["accept-encoding"]?.endsWith("gzip");
        response.setHeader("server-timing", 'edge;desc="hit"');
        if (isGzip === true) response.setHeader("content-encoding", "gzip").end(gzipSync(NAR));
        else if (method === "HEAD") response.setHeader("content-length", 1).end();
        else response.setHeader("content-length", NAR.byteLength).end(NAR);
      } else {
        response.writeHead(404, { "cache-control": "public, max-age=100" }).end();
      }
    });
    const report = await look(url, HASH);
    expect(factsThat(report, "FAIL")).toEqual([
      "GET of an absent narinfo",
      "the second GET of the absent narinfo",
      "the NAR with Range: bytes=1-8",
      "the length of the NAR, by HEAD and by GET",
      "the NAR with Accept-Encoding: zstd, br, gzip",
    ]);
    const text = formatReport(report);
    expect(text).toContain(`HEAD 1, GET ${NAR.byteLength}`);
    expect(text).toContain("200, Content-Encoding: gzip");
  });
});

describe("parseStorePathArgument", () => {
  it.each([
    { text: HASH, storeDir: undefined },
    { text: `${HASH}-hello-2.12`, storeDir: undefined },
    { text: `/nix/store/${HASH}-hello-2.12`, storeDir: "/nix/store" },
  ])("reads $text", ({ text, storeDir }) => {
    expect(valueOf(parseStorePathArgument(text))).toEqual({ hash: HASH, storeDir });
  });

  it.each(["", "/nix/store/", "hello", `${HASH}x`])("refuses '%s'", (text) => {
    expect(errorOf(parseStorePathArgument(text))).toMatch(/^store path/);
  });
});
