import { stat } from "node:fs/promises";
import { openConnection } from "../load/http-connection.ts";
import { interleave } from "../measure/interleave.ts";
import { cpuMilliseconds } from "../measure/process-usage.ts";
import { withSecondTurn } from "../measure/second-turn.ts";
import { createFigure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { buildSmallestWorker } from "../subjects/build-worker.ts";
import { startWorker } from "../subjects/start-worker.ts";
import type { BenchContext } from "./bench-context.ts";

/** Measures the size of the deployed bundle, and the time to its first answer. */
export async function benchStartup(context: BenchContext): Promise<Section> {
  context.say("startup");
  const empty = await buildSmallestWorker("say-nothing", context.directory);
  const subjects = {
    deployed: () => startToFirstAnswer(context, context.deployedWorker),
    empty: () => startToFirstAnswer(context, empty),
  };
  const starts = await withSecondTurn(
    () => interleave(subjects, context.isQuick ? 7 : 21),
    ({ deployed, empty: emptyStarts }) => {
      const compare = (what: keyof Start) => ({
        unit: "ms" as const,
        values: deployed.map((start) => start[what]),
        comparison: { name: "an empty worker", values: emptyStarts.map((start) => start[what]) },
      });
      return [
        createFigure({ name: "start, with workerd's own", ...compare("milliseconds") }),
        // On a machine that nothing else uses, the start takes as long as its CPU time.
        createFigure({
          name: "start, with workerd's own, CPU",
          ...compare("cpuMilliseconds"),
          target: "startTime",
        }),
      ];
    },
  );
  const { size } = await stat(context.deployedWorker);
  return {
    benchmark: "startup",
    skipped: [],
    figures: [
      createFigure({
        name: "deployed bundle",
        unit: "KB",
        values: [size / 1000],
        target: "bundleSize",
      }),
      ...starts,
    ],
  };
}

interface Start {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
}

/** Returns the time from the start of workerd to the first answer of a worker, and its CPU time. */
async function startToFirstAnswer(context: BenchContext, module: string): Promise<Start> {
  const { compatibilityDate, directory } = context;
  const startedAt = performance.now();
  // Without settings the gateway answers that it is misconfigured. By then it has
  // loaded all its code.
  const running = await startWorker({ module, compatibilityDate, bindings: {} }, directory);
  const connection = await openConnection(running.url);
  await connection.send({ path: "/healthz" });
  const milliseconds = performance.now() - startedAt;
  const start = { milliseconds, cpuMilliseconds: cpuMilliseconds(running.pid) };
  connection.close();
  await running.stop();
  return start;
}
