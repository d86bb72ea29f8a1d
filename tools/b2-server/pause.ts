import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits, though no longer than the client does. */
export async function pause(response: ServerResponse, durationMs: number): Promise<void> {
  if (response.destroyed) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once("close", leave);
  await sleep(durationMs, undefined, { signal: gone.signal }).catch(() => undefined);
  response.off("close", leave);
}
