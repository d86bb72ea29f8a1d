import { connect, type Socket } from "node:net";
import { parseResponseHead } from "./response-head.ts";

/** A request to send. */
export interface Request {
  readonly method?: string;
  /** The path, percent-encoded as it is sent. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** The status of an answer, and the size of its body. */
export interface CountedAnswer {
  readonly status: number;
  readonly bodyBytes: number;
}

/** A connection that is kept alive. It sends one request at a time. */
export interface HttpConnection {
  /**
   * Sends a request. Resolves once the whole body has arrived; counts its bytes and
   * discards them. Throws if the connection closes before that, or if no byte arrives
   * for too long.
   */
  send(request: Request): Promise<CountedAnswer>;
  close(): void;
}

const READ_BYTES = 1024 * 1024;

// The longest wait for the next byte. No worker here needs that long, not even to
// prove 2 GB.
const SILENCE_MILLISECONDS = 60_000;

interface Waiting {
  resolve(answer: CountedAnswer): void;
  reject(error: Error): void;
}

/**
 * Opens a connection of a minimal HTTP client. On a machine with two cores, the
 * client of a benchmark takes CPU from the subject that it measures. node:http takes
 * four times as much CPU as this client.
 */
export async function openConnection(
  url: string,
  silenceMilliseconds = SILENCE_MILLISECONDS,
): Promise<HttpConnection> {
  const { hostname, port, host } = new URL(url);
  let waiting: Waiting | undefined;
  let closed: Error | undefined;
  let head = "";
  let answer: CountedAnswer | undefined;
  let left = 0;

  function settle(outcome: CountedAnswer | Error): void {
    const settled = waiting;
    waiting = undefined;
    answer = undefined;
    head = "";
    if (outcome instanceof Error) settled?.reject(outcome);
    else settled?.resolve(outcome);
  }
  function fail(error: Error): void {
    closed ??= error;
    settle(closed);
  }
  function receive(count: number, buffer: Uint8Array): boolean {
    let bodyBytes = count;
    if (answer === undefined) {
      head += Buffer.from(buffer.buffer, buffer.byteOffset, count).toString("latin1");
      const parsed = parseResponseHead(head);
      if (parsed === undefined) return true;
      if (!parsed.ok) {
        socket.destroy(new Error(`the answer ${parsed.error}`));
        return true;
      }
      answer = parsed.value;
      left = parsed.value.bodyBytes;
      bodyBytes = head.length - parsed.value.headBytes;
    }
    left -= bodyBytes;
    if (left <= 0) settle(answer);
    return true;
  }

  const socket = await new Promise<Socket>((resolve, reject) => {
    const made = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback: receive },
    });
    made.once("connect", () => resolve(made));
    made.once("error", reject);
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the connection was closed")));
  // Use the socket's own timeout, which every byte restarts. A timer for each request
  // would cost more CPU than the rest of the client.
  socket.setTimeout(silenceMilliseconds, () => {
    const seconds = silenceMilliseconds / 1000;
    if (waiting !== undefined) socket.destroy(new Error(`no answer came for ${seconds} s`));
  });

  return {
    async send(request) {
      return await new Promise<CountedAnswer>((resolve, reject) => {
        if (closed !== undefined) {
          reject(closed);
          return;
        }
        waiting = { resolve, reject };
        socket.write(formatRequestHead(request, host));
        if (request.body !== undefined) socket.write(request.body);
      });
    },
    close() {
      socket.destroy();
      fail(new Error("the connection was closed"));
    },
  };
}

function formatRequestHead({ method = "GET", path, headers = {}, body }: Request, host: string) {
  const lines = [`${method} ${path} HTTP/1.1`];
  const all = {
    ...(headers["host"] === undefined ? { host } : {}),
    ...headers,
    ...(body === undefined ? {} : { "content-length": String(body.byteLength) }),
  };
  for (const [name, value] of Object.entries(all)) lines.push(`${name}: ${value}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
