import path from "node:path";
import { hasNix } from "../../testkit/nix/nix-client.ts";
import type { BucketKind } from "../bucket/open-distant-bucket.ts";
import { type ComparisonTable, createTable, type Measurement } from "../report/comparison-table.ts";
import type { Section } from "../report/format-report.ts";
import { buildCommand } from "../subjects/build-command.ts";
import { peersWithoutRecipe } from "../subjects/find-peers.ts";
import { whyNoNiks3Client } from "../subjects/start-niks3.ts";
import { startPostgres, whyNoPostgres } from "../subjects/start-postgres.ts";
import { type BenchContext, cacheInside } from "./bench-context.ts";
import { makePeerClosures, type PeerClosures } from "./peer-closures.ts";
import { measurePeers } from "./peer-rounds.ts";
import { nargateSubjects, ncpsSubject, niks3Subject, type PeerSubject } from "./peer-subjects.ts";

/** Pushes the same closures to this cache and to others, each with its own client. */
export async function benchPeers(context: BenchContext): Promise<Section> {
  const benchmark = "peers";
  if (!hasNix) return { benchmark, figures: [], skipped: ["everything: nix is not installed"] };
  const { isQuick, directory, peers } = context;
  const skipped: string[] = [];
  const ours = nargateSubjects({
    context,
    command: await buildCommand(path.join(directory, "command")),
    cache: await cacheInside(context, true),
  });
  const niks3 = await openNiks3(context, skipped);
  if (!peers.ncps.ok) skipped.push(peers.ncps.error);
  skipped.push(...peersWithoutRecipe());
  skipped.push("nix copy to S3 without a cache: not run: the benchmark has no recipe for it");
  if (!peers.versitygw.ok) {
    skipped.push(`${peers.versitygw.error}; the b2-server of this project takes its place`);
  }
  const versitygw = peers.versitygw.ok ? peers.versitygw.value.versitygw : undefined;
  const closures = await makePeerClosures(directory, isQuick);
  const proving: BucketKind = {
    name: versitygw === undefined ? "b2-server" : "versitygw",
    versitygw,
    provesBytes: true,
  };
  const trusting: BucketKind = {
    name: "b2-server that does not check SHA-256",
    versitygw: undefined,
    provesBytes: false,
  };
  const subjects = [
    ...ours,
    ...(niks3 === undefined ? [] : [niks3]),
    ...(peers.ncps.ok ? [ncpsSubject(peers.ncps.value.ncps)] : []),
  ];
  const tables: ComparisonTable[] = [];
  const failures: string[] = [];
  const compareOn = async (kind: BucketKind, measured: readonly PeerSubject[]) => {
    const plan = { kind, subjects: measured, closures };
    tables.push(await compare(context, plan, { skipped, failures }));
  };
  await compareOn(proving, subjects);
  // Only this cache asks whether the bucket proves bytes.
  if (!isQuick) await compareOn(trusting, ours);
  const section = { benchmark, figures: [], skipped, tables };
  return failures.length === 0 ? section : { ...section, failure: failures.join("\n") };
}

interface Comparison {
  readonly kind: BucketKind;
  readonly subjects: readonly PeerSubject[];
  readonly closures: PeerClosures;
}

/** Takes the reasons why something is not in the tables. */
interface Notes {
  readonly skipped: string[];
  readonly failures: string[];
}

async function compare(
  context: BenchContext,
  { kind, subjects, closures }: Comparison,
  { skipped, failures }: Notes,
): Promise<ComparisonTable> {
  const measurements: Measurement[] = [];
  for (const latencyMilliseconds of context.latencies) {
    const rounds = context.isQuick ? 1 : 3;
    const plan = { kind, latencyMilliseconds, subjects, closures, rounds };
    const results = await measurePeers(context, plan);
    measurements.push(...results.measurements);
    skipped.push(...results.leftOut);
    failures.push(...results.failures);
  }
  const title = `seconds, bucket: ${kind.name}; a value without a range was measured once`;
  const names = subjects.map(({ name }) => name);
  return createTable(title, names, measurements);
}

/** Starts what niks3 needs. Returns `undefined`, and says why, if it cannot run here. */
async function openNiks3(
  { peers, teardown }: BenchContext,
  skipped: string[],
): Promise<PeerSubject | undefined> {
  const { niks3, postgres } = peers;
  if (!niks3.ok) {
    skipped.push(niks3.error);
    return undefined;
  }
  if (!postgres.ok) {
    skipped.push(`niks3, because it needs ${postgres.error}`);
    return undefined;
  }
  const why = whyNoNiks3Client() ?? whyNoPostgres();
  if (why !== undefined) {
    skipped.push(`niks3, because ${why}`);
    return undefined;
  }
  const database = await startPostgres(postgres.value);
  teardown.add(() => database.stop());
  return niks3Subject(niks3.value, database);
}
