/** The parts of the answer of `Runtime.getHeapUsage` that count against an isolate's limit. */
interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize: number;
  readonly backingStorageSize: number;
}

/** Reads the heap of a worker that runs with an inspector, until it is closed. */
export interface HeapMeter {
  /**
   * Returns the MB of the worker's heap now: JavaScript's objects, the platform's objects
   * that belong to them, and the memory of ArrayBuffers. Garbage that V8 has not collected
   * counts too.
   */
  read(): Promise<number>;
  close(): void;
}

/** Connects to the inspector of the first worker at `url` (Chrome's DevTools Protocol). */
export async function openHeapMeter(url: string): Promise<HeapMeter> {
  const targets = (await (await fetch(`${url}/json`)).json()) as readonly {
    readonly id: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  // The cache worker has an inspector too.
  const target = targets.find(({ id }) => id.includes("worker")) ?? targets[0];
  if (target === undefined) throw new Error(`no worker at ${url} can be inspected`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error(`${url} refuses the inspector`)));
  });
  const waiting = new Map<number, (result: HeapUsage | undefined) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as {
      readonly id: number;
      readonly result?: HeapUsage;
    };
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let asked = 0;
  return {
    async read() {
      const id = ++asked;
      const usage = await new Promise<HeapUsage | undefined>((resolve) => {
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
      });
      if (usage === undefined) return Number.NaN;
      const { usedSize, embedderHeapUsedSize, backingStorageSize } = usage;
      return (usedSize + embedderHeapUsedSize + backingStorageSize) / 1e6;
    },
    close: () => socket.close(),
  };
}
