import { stat } from "node:fs/promises";
import { openConnection } from "../load/http-connection.ts";
import { interleave } from "../measure/interleave.ts";
import { createFigure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { buildSmallestWorker } from "../subjects/build-worker.ts";
import { startWorker } from "../subjects/start-worker.ts";
import type { BenchContext } from "./bench-context.ts";

/** Measures the size of the deployed bundle, and the time to its first answer. */
export async function benchStartup(context: BenchContext): Promise<Section> {
  context.say("startup");
  const empty = await buildSmallestWorker("say-nothing", context.directory);
  const measured = await interleave(
    {
      deployed: () => millisecondsToFirstAnswer(context, context.deployedWorker),
      empty: () => millisecondsToFirstAnswer(context, empty),
    },
    context.isQuick ? 7 : 21,
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
      createFigure({
        name: "start, with workerd's own",
        unit: "ms",
        values: measured.deployed,
        comparison: { name: "an empty worker", values: measured.empty },
        target: "startTime",
      }),
    ],
  };
}

/** Returns the time from the start of workerd to the first answer of a worker. */
async function millisecondsToFirstAnswer(context: BenchContext, module: string): Promise<number> {
  const { compatibilityDate, directory } = context;
  const startedAt = performance.now();
  // Without settings the gateway answers that it is misconfigured. By then it has
  // loaded all its code.
  const running = await startWorker({ module, compatibilityDate, bindings: {} }, directory);
  const connection = await openConnection(running.url);
  await connection.send({ path: "/healthz" });
  const milliseconds = performance.now() - startedAt;
  connection.close();
  await running.stop();
  return milliseconds;
}
