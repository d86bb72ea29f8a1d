import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { type BucketKind, openDistantBucket } from "../bucket/open-distant-bucket.ts";
import { interleave } from "../measure/interleave.ts";
import { createTeardown } from "../measure/teardown.ts";
import { endedChildrenCpuSeconds, treeCpuSeconds } from "../measure/tree-usage.ts";
import type { Measurement } from "../report/comparison-table.ts";
import type { BenchContext } from "./bench-context.ts";
import { pull } from "./nix-closure.ts";
import type { PeerClosure, PeerClosures } from "./peer-closures.ts";
import type { PeerCache, PeerSubject, Round } from "./peer-subjects.ts";

/** A push that took longer is not repeated: it mostly waits, so its time hardly varies. */
const REPEATED_SECONDS = 60;

/** The figures of one distance to the bucket. */
export interface PeerPlan {
  readonly kind: BucketKind;
  readonly latencyMilliseconds: number;
  readonly subjects: readonly PeerSubject[];
  readonly closures: PeerClosures;
  readonly rounds: number;
}

export interface PeerResults {
  readonly measurements: readonly Measurement[];
  /** One line for each foreign subject that failed, and was left out from then on. */
  readonly leftOut: readonly string[];
  /** One line for each round of a subject of this project that failed. */
  readonly failures: readonly string[];
}

/** Measures all subjects in turns. Each gets an empty bucket in each round. */
export async function measurePeers(context: BenchContext, plan: PeerPlan): Promise<PeerResults> {
  const measurements: Measurement[] = [];
  const leftOut = new Map<string, string>();
  const failures: string[] = [];
  const where = `${plan.kind.name}, ${plan.latencyMilliseconds} ms`;
  const turns = plan.subjects.map((subject) => [
    subject.name,
    async () => {
      if (leftOut.has(subject.name)) return;
      context.say(`peers: ${where}: ${subject.name}`);
      const closures = plan.closures.measured.filter(
        (closure) => !isSlow(measurements, taskOf(plan, closure, "push"), subject),
      );
      try {
        measurements.push(...(await measureSubject(context, { plan, subject, closures })));
      } catch (error) {
        const why = lastLineOf(error);
        if (subject.isForeign) leftOut.set(subject.name, why);
        else failures.push(`${subject.name} (${where}): ${why}`);
      }
    },
  ]);
  await interleave(Object.fromEntries(turns) as Record<string, () => Promise<void>>, plan.rounds);
  return {
    measurements,
    leftOut: [...leftOut].map(([name, why]) => `${name} (${where}), because it failed: ${why}`),
    failures,
  };
}

/** Returns whether a subject has taken too long for a task to repeat it. */
function isSlow(
  measurements: readonly Measurement[],
  pushTask: string,
  { name }: PeerSubject,
): boolean {
  return measurements.some(
    ({ task, subject, value }) => task === pushTask && subject === name && value > REPEATED_SECONDS,
  );
}

/** Returns the last line that a program printed before it ended, or of the error's own text. */
function lastLineOf(error: unknown): string {
  const lines = String(error).trimEnd().split("\n");
  return (lines.at(-1) ?? "").slice(0, 300);
}

type Step = "push" | "again" | "cold pull" | "warm pull" | "CPU, client" | "CPU, servers";

function taskOf({ latencyMilliseconds }: PeerPlan, { name }: PeerClosure, step: Step): string {
  return `${latencyMilliseconds} ms: ${name}, ${step}`;
}

interface Turn {
  readonly plan: PeerPlan;
  readonly subject: PeerSubject;
  readonly closures: readonly PeerClosure[];
}

async function measureSubject(
  context: BenchContext,
  { plan, subject, closures }: Turn,
): Promise<Measurement[]> {
  const directory = await mkdtemp(path.join(context.directory, "peer-"));
  const teardown = createTeardown();
  // If the benchmark is stopped in the middle. Otherwise `finally` has run it before.
  context.teardown.add(async () => await teardown.run());
  try {
    teardown.add(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    const bucket = await openDistantBucket(plan.kind, plan.latencyMilliseconds, {
      directory,
      teardown,
    });
    const round: Round = { bucket, machine: plan.closures.machine, directory, teardown };
    const cache = await subject.open(round);
    await cache.push(plan.closures.first);
    const measured: Measurement[] = [];
    for (const closure of closures) {
      for (const [step, value] of await measureClosure(cache, closure, plan.closures.parent)) {
        measured.push({ task: taskOf(plan, closure, step), subject: subject.name, value });
      }
    }
    return measured;
  } finally {
    const [thrown] = await teardown.run();
    if (thrown !== undefined) context.say(`peers: could not clean up: ${String(thrown)}`);
  }
}

async function measureClosure(
  cache: PeerCache,
  { roots, isPulled }: PeerClosure,
  parent: string,
): Promise<[Step, number][]> {
  const servers = treeCpuSeconds(cache.serverPids());
  const clients = endedChildrenCpuSeconds();
  const measured: [Step, number][] = [["push", await cache.push(roots)]];
  const cpu: [Step, number][] = [
    ["CPU, client", endedChildrenCpuSeconds() - clients],
    ["CPU, servers", treeCpuSeconds(cache.serverPids()) - servers],
  ];
  measured.push(["again", await cache.push(roots)]);
  const [root = ""] = roots;
  if (isPulled && cache.openCold !== undefined) {
    const url = await cache.openCold();
    measured.push(["cold pull", await pull({ root, parent }, url)]);
    measured.push(["warm pull", await pull({ root, parent }, url)]);
  }
  return [...measured, ...cpu];
}
