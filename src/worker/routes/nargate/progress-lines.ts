/** One line of such an answer. */
export type ProgressLine = { readonly status: string };

/** An answer that tells how long work goes, a JSON object a line, while it goes. */
export interface ProgressLines {
  readonly body: ReadableStream<Uint8Array>;
  /** What is being done; a new status is told at once, the rest now and then. */
  report(progress: ProgressLine): void;
  /** The last line. Never throws: whoever listened may have gone. */
  end(line: object): Promise<void>;
}

// Clients and proxies take silence for a dead connection; the contract says 5 s.
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

  // Whoever does not read leaves the line before unread: no further one is piled up behind it.
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
    async end(line) {
      clearInterval(timer);
      await write(line);
      await writer.close().catch(() => {});
    },
  };
}
