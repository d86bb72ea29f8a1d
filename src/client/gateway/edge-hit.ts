// The edge stores beside the answer, and another machine of it may answer next.
const READ_ATTEMPTS = 3;
const READ_PAUSE_MILLISECONDS = 500;

/** What the edge did with the last of several reads, as in Server-Timing; `unknown` where that is missing. */
export interface EdgeReads {
  readonly outcome: string;
  readonly attempts: number;
}

/** Reads until the edge answers. What was read before counts as the first time. */
export async function readUntilEdgeHit(
  read: () => Promise<Headers>,
  sleep: (milliseconds: number) => Promise<unknown>,
): Promise<EdgeReads> {
  await read();
  let outcome = "unknown";
  for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt++) {
    await sleep(READ_PAUSE_MILLISECONDS);
    const timing = (await read()).get("server-timing") ?? "";
    outcome = /\bedge;desc="?(\w+)/.exec(timing)?.[1] ?? "unknown";
    if (outcome === "hit") return { outcome, attempts: attempt };
  }
  return { outcome, attempts: READ_ATTEMPTS };
}
