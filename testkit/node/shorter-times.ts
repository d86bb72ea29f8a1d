import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/**
 * Bundles the worker with days of one second, and with graces and holds of a few seconds, so
 * that a test sees a collection from its beginning to its end. The order of the times stays.
 */
export const shorterTimes: Plugin = {
  name: "shorter-times",
  setup(build) {
    const changes: readonly (readonly [filter: RegExp, from: string, to: string])[] = [
      [/retention-rules\.ts$/, "const MINUTE = 60 * 1000;", "const MINUTE = 200;"],
      [/retention-rules\.ts$/, "const HOUR = 60 * MINUTE;", "const HOUR = 1000;"],
      [/retention-rules\.ts$/, "const DAY = 24 * HOUR;", "const DAY = 1000;"],
      [/retention-settings\.ts$/, "const DAY = 24 * 3600 * 1000;", "const DAY = 1000;"],
      [/catalog-core\.ts$/, "const DAY = 24 * 3600 * 1000;", "const DAY = 3000;"],
    ];
    for (const filter of new Set(changes.map(([one]) => one.source))) {
      build.onLoad({ filter: new RegExp(filter) }, async ({ path }) => {
        let contents = await readFile(path, "utf8");
        for (const [one, from, to] of changes) {
          if (one.source !== filter) continue;
          if (!contents.includes(from)) throw new Error(`${path} has no "${from}"`);
          contents = contents.replace(from, to);
        }
        return { contents, loader: "ts" };
      });
    }
  },
};
