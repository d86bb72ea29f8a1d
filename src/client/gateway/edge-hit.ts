// The edge stores an object after it has answered, and the next request may reach another machine
// of the edge. So one read is not enough.
const READ_ATTEMPTS = 3;
const READ_PAUSE_MILLISECONDS = 500;

/** The result of several reads of one object. */
export interface EdgeReads {
  /**
   * The word of `Server-Timing` in the last answer, such as `hit`; `unknown` if the
   * header is missing.
   */
  readonly outcome: string;
  readonly attempts: number;
}

/**
 * Reads an object until its answer comes from the edge, at most three times after
 * the first read.
 */
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
