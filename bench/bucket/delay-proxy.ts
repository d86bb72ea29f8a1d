import { connect, createServer, type Socket } from "node:net";

/** Stands between a program and a server on this machine, and delays all bytes. */
export interface DelayProxy {
  readonly port: number;
  close(): Promise<void>;
}

// How much may wait in one direction of a connection. 8 MB in 25 ms, half of a round trip,
// are 320 MB/s. TCP over a distance has such a window too.
const MAX_WAITING_BYTES = 8_000_000;

/**
 * Starts a proxy for the server at `target` of 127.0.0.1. It passes on every byte, and
 * the end of the stream, half a round trip after it arrived, so speed is not limited.
 * It opens a connection at once: a handshake over the distance would take a round trip.
 */
export async function startDelayProxy(
  target: number,
  roundTripMilliseconds: number,
): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: "127.0.0.1", port: target, allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.once("close", () => sockets.delete(from));
      passOnLater(from, to, roundTripMilliseconds / 2);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    port: address.port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function passOnLater(from: Socket, to: Socket, milliseconds: number): void {
  const waiting: { readonly due: number; readonly bytes: Buffer | undefined }[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | undefined;

  function wait(bytes: Buffer | undefined): void {
    waiting.push({ due: performance.now() + milliseconds, bytes });
    waitingBytes += bytes?.byteLength ?? 0;
    if (waitingBytes > MAX_WAITING_BYTES) from.pause();
    timer ??= setTimeout(sendDue, milliseconds);
  }
  function sendDue(): void {
    timer = undefined;
    // A timer may fire up to a millisecond early.
    const now = performance.now() + 0.5;
    for (let first = waiting[0]; first !== undefined && first.due <= now; first = waiting[0]) {
      waiting.shift();
      if (first.bytes === undefined) {
        to.end();
      } else {
        waitingBytes -= first.bytes.byteLength;
        to.write(first.bytes);
      }
    }
    if (waitingBytes <= MAX_WAITING_BYTES && !to.writableNeedDrain) from.resume();
    const next = waiting[0];
    if (next !== undefined) timer = setTimeout(sendDue, Math.max(0, next.due - performance.now()));
  }
  from.on("data", (bytes: Buffer) => {
    wait(bytes);
    if (to.writableNeedDrain) from.pause();
  });
  to.on("drain", () => {
    if (waitingBytes <= MAX_WAITING_BYTES) from.resume();
  });
  from.on("end", () => wait(undefined));
  // A reset goes on at once: nothing that still waits is of use to the other side.
  from.on("error", () => to.destroy());
  from.on("close", (hadError) => {
    if (!hadError && from.readableEnded) return;
    clearTimeout(timer);
    to.destroy();
  });
}
