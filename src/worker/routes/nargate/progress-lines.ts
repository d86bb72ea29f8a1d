/** One line of an answer in JSON lines. */
export type ProgressLine = { readonly status: string };

/** An answer that reports the progress of work while it goes on: one JSON object a line. */
export interface ProgressLines {
  readonly body: ReadableStream<Uint8Array>;
  /** Sets the current progress. A new status is sent at once, other changes every few seconds. */
  report(progress: ProgressLine): void;
  /** Sends a line that must not be left out. */
  add(line: object): void;
  /** Sends the last line. Never throws: the client may have gone away. */
  end(line: object): Promise<void>;
}

// Clients and proxies take silence for a dead connection. The contract promises a line every 5 s.
const HEARTBEAT_MILLISECONDS = 3_000;

export function createProgressLines(heartbeatMilliseconds = HEARTBEAT_MILLISECONDS): ProgressLines {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  let latest: ProgressLine | undefined;
  let isWriting = false;

  function write(line: object): Promise<void> {
    isWriting = true;
    return writer
      .write(encoder.encode(`${JSON.stringify(line)}\n`))
      .catch(() => {})
      .finally(() => {
        isWriting = false;
      });
  }

  // If the client has not read the last line, skip this one, so lines never pile up.
  const timer = setInterval(() => {
    if (latest !== undefined && !isWriting) void write(latest);
  }, heartbeatMilliseconds);

  return {
    body: readable,
    report(progress) {
      const isNew = progress.status !== latest?.status;
      latest = progress;
      if (isNew) void write(progress);
    },
    add: (line) => void write(line),
    async end(line) {
      clearInterval(timer);
      await write(line);
      await writer.close().catch(() => {});
    },
  };
}
