import { stat } from "node:fs/promises";
import { openConnection } from "../load/http-connection.ts";
import { interleave } from "../measure/interleave.ts";
import { createFigure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { buildSmallestWorker } from "../subjects/build-worker.ts";
import { startWorker } from "../subjects/start-worker.ts";
import type { BenchContext } from "./bench-context.ts";

/** What a deployment weighs, and how long a data centre's first request waits for it. */
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
  const own = measured.deployed.map((value, index) => value - (measured.empty[index] ?? 0));
  const sizes = await Promise.all([context.deployedWorker, empty].map(async (f) => await stat(f)));
  const [bundle = 0, smallest = 0] = sizes.map(({ size }) => size / 1000);
  return {
    benchmark: "startup",
    skipped: [],
    figures: [
      createFigure({
        name: "deployed bundle",
        unit: "KB",
        values: [bundle],
        comparison: { name: "an empty worker", values: [smallest] },
        target: "bundleSize",
      }),
      createFigure({
        name: "start, beyond an empty worker's",
        unit: "ms",
        values: own,
        comparison: { name: "an empty worker, with workerd", values: measured.empty },
        target: "startTime",
      }),
    ],
  };
}

/** From the start of workerd. What an empty worker needs of it is workerd's own. */
async function millisecondsToFirstAnswer(context: BenchContext, module: string): Promise<number> {
  const { compatibilityDate, directory } = context;
  const startedAt = performance.now();
  // Without settings the gateway says that it is misconfigured, once it has all its code.
  const running = await startWorker({ module, compatibilityDate, bindings: {} }, directory);
  const connection = await openConnection(running.url);
  await connection.send({ path: "/healthz" });
  const milliseconds = performance.now() - startedAt;
  connection.close();
  await running.stop();
  return milliseconds;
}
