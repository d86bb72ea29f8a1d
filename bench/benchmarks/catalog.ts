import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createHash } from "node:crypto";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import type { BucketProcess } from "../bucket/start-bucket.ts";
import { createFigure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, openBucket, openGateway, PUSH_TOKEN } from "./bench-context.ts";
import { madeUpHash } from "./made-up-paths.ts";

/** Each path refers to the 7 before it, as many as in nixpkgs, within blocks of this size. */
const CLOSURE_PATHS = 5000;
const REFERENCES = 7;
const SEARCHES = 40;

/** Measures how long the catalog takes to learn a bucket, and what its answers cost. */
export async function benchCatalog(context: BenchContext): Promise<Section> {
  const count = context.isQuick ? CLOSURE_PATHS : 100_000;
  const bucket = await openBucket(context);
  context.say(`catalog: writes ${count} narinfos`);
  await writeNarinfos(bucket, count);
  const catalogDirectory = await mkdtemp(path.join(context.directory, "catalog-"));
  const gateway = await openGateway(context, { bucket, cache: undefined, catalogDirectory });
  context.say("catalog: fills");
  const filled = await fill(gateway);
  context.say("catalog: searches");
  // All names share most of this text, which makes the index do the most work.
  const searches = await measure(
    gateway,
    SEARCHES,
    (at) => `search?limit=100&name=library-${(at * 37) % 1000}-1`,
  );
  const top = CLOSURE_PATHS - 1;
  const closure = await measure(gateway, 5, () => `paths/${madeUpHash(top)}/closure?paths=false`);
  const pages = await measure(gateway, 5, () => "paths?order=name");
  const name = `${count / 1000}k paths`;
  return {
    benchmark: "catalog",
    skipped: [],
    figures: [
      createFigure({ name: `fill, ${name}`, unit: "s", values: [filled.seconds] }),
      createFigure({
        name: "fill, written for a path",
        unit: "rows",
        values: [filled.written / count],
        target: "catalogWrites",
      }),
      createFigure({
        name: "database, for a path",
        unit: "KB",
        values: [filled.databaseBytes / 1000 / count],
      }),
      createFigure({
        name: `search, ${name}`,
        unit: "ms",
        values: searches.milliseconds,
        target: "catalogSearch",
      }),
      createFigure({ name: "search, read", unit: "rows", values: [searches.read] }),
      createFigure({
        name: `closure of ${CLOSURE_PATHS} paths`,
        unit: "ms",
        values: closure.milliseconds,
      }),
      createFigure({
        name: "closure, read for a path",
        unit: "rows",
        values: [closure.read / CLOSURE_PATHS],
        target: "catalogClosure",
      }),
      createFigure({ name: "page of 1,000 by name", unit: "ms", values: pages.milliseconds }),
      createFigure({ name: "page, read for a path", unit: "rows", values: [pages.read / 1000] }),
    ],
  };
}

async function writeNarinfos(bucket: BucketProcess, count: number): Promise<void> {
  for (let start = 0; start < count; start += 100) {
    const indexes = Array.from({ length: Math.min(100, count - start) }, (_, at) => start + at);
    await Promise.all(
      indexes.map((index) => bucket.put(`${madeUpHash(index)}.narinfo`, narinfoOf(index))),
    );
  }
}

/** A package has a hundred versions here, so a search finds several. */
function nameOf(index: number): string {
  return `library-${index % 1000}-1.${Math.floor(index / 1000)}`;
}

function narinfoOf(index: number): string {
  const fileHash = encodeNix32(createHash("sha256").update(`file ${index}`).digest());
  const first = Math.max(index - REFERENCES, index - (index % CLOSURE_PATHS));
  const references = Array.from({ length: index - first }, (_, at) => {
    return `${madeUpHash(first + at)}-${nameOf(first + at)}`;
  });
  const signature = createHash("sha512").update(fileHash).digest("base64");
  return `StorePath: /nix/store/${madeUpHash(index)}-${nameOf(index)}
URL: nar/${fileHash}.nar.zst
Compression: zstd
FileHash: sha256:${fileHash}
FileSize: 123456
NarHash: sha256:${fileHash}
NarSize: 456789
References: ${references.join(" ")}
Deriver: ${madeUpHash(index + 1_000_000)}-${nameOf(index)}.drv
Sig: cache.example.org-1:${signature}
`;
}

interface Stats {
  readonly complete: boolean;
  readonly databaseBytes: number;
  readonly rows: { readonly read: number; readonly written: number };
}

async function readStats({ url }: RunningProcess): Promise<Stats> {
  return (await (await ask(url, "stats")).json()) as Stats;
}

/** Makes the catalog with a first call, and waits until it knows the bucket. */
async function fill(gateway: RunningProcess) {
  const startedAt = performance.now();
  for (;;) {
    const { complete, rows, databaseBytes } = await readStats(gateway);
    if (complete) {
      const seconds = (performance.now() - startedAt) / 1000;
      return { seconds, written: rows.written, databaseBytes };
    }
    await sleep(250);
  }
}

/** Sends requests one after another, and counts the rows that one of them reads on average. */
async function measure(gateway: RunningProcess, times: number, targetOf: (at: number) => string) {
  const before = await readStats(gateway);
  const milliseconds: number[] = [];
  for (let at = 0; at < times; at++) {
    const startedAt = performance.now();
    await (await ask(gateway.url, targetOf(at))).arrayBuffer();
    milliseconds.push(performance.now() - startedAt);
  }
  const after = await readStats(gateway);
  return { milliseconds, read: (after.rows.read - before.rows.read) / times };
}

async function ask(url: string, target: string): Promise<Response> {
  const response = await fetch(`${url}/api/v1/${target}`, {
    headers: { authorization: `Bearer ${PUSH_TOKEN}` },
  });
  if (response.ok) return response;
  throw new Error(`${target} answered ${response.status}: ${await response.text()}`);
}
