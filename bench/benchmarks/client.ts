import { hasNix } from "../../testkit/nix/nix-client.ts";
import { startLatencyFloor } from "../load/latency-floor.ts";
import type { Section } from "../report/format-report.ts";
import { hasNginx, startNginx, takesUploads } from "../subjects/start-nginx.ts";
import { type BenchContext, cacheInside, openBucket } from "./bench-context.ts";
import { measurePulls } from "./client-pulls.ts";
import { measurePushes } from "./client-pushes.ts";

const SKIPPED_WITHOUT_NGINX =
  "the comparison with nginx, because nginx with its module for PUT is not installed";

/** Pushes and pulls a closure of a thousand small paths with the real `nix`. */
export async function benchClient(context: BenchContext): Promise<Section> {
  const benchmark = "client";
  if (!hasNix) {
    return { benchmark, figures: [], skipped: ["pushes and pulls, because nix is not installed"] };
  }
  const { teardown, directory } = context;
  const floor = await startLatencyFloor();
  teardown.add(() => floor.close());
  const bucket = await openBucket(context);
  const cache = await cacheInside(context, true);
  const nginx = hasNginx && takesUploads() ? await startNginx(directory) : undefined;
  if (nginx !== undefined) teardown.add(() => nginx.stop());
  const caches = { bucket, cache, floor, nginx };

  context.say("client: push");
  const figures = await measurePushes(context, caches);
  context.say("client: pull");
  figures.push(...(await measurePulls(context, caches)));
  return { benchmark, figures, skipped: nginx === undefined ? [SKIPPED_WITHOUT_NGINX] : [] };
}
