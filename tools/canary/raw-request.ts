import { connect as connectPlainly, type Socket } from "node:net";
import { connect as connectSafely } from "node:tls";
import { readElement } from "../../src/http/s3-xml.ts";
import type { BucketAnswer } from "./bucket-call.ts";
import type { SignedRequest } from "./canary-bucket.ts";

const TIMEOUT_MILLISECONDS = 20_000;

/**
 * A PUT that no HTTP client would send. `framing` is its Content-Length or
 * Transfer-Encoding line. `body` is sent unchanged.
 */
interface RawPut extends SignedRequest {
  readonly framing: string;
  readonly body: string;
}

/** Sends the request and closes the connection, even if the body is shorter than announced. */
export async function putAndHangUp(request: RawPut): Promise<void> {
  const socket = await connect(request.url);
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    // The connection ends in order, so that the server reads all bytes. A reset could
    // make the server discard them.
    socket.end(format(request), resolve);
  }).finally(() => socket.destroySoon());
}

/** Sends the request and reads the answer to its end. */
export async function putRaw(request: RawPut): Promise<Pick<BucketAnswer, "status" | "code">> {
  const socket = await connect(request.url);
  const text = await new Promise<string>((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // A server may refuse and then reset the connection. The bytes before the reset count.
    socket.on("error", () => {});
    socket.once("close", () => resolve(Buffer.concat(chunks).toString()));
    socket.write(format(request));
  });
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (status === undefined) throw new Error("the server closed the connection without an answer");
  return { status: Number(status), code: readElement(text, "Code") };
}

async function connect(url: URL): Promise<Socket> {
  const isSafe = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (isSafe ? 443 : 80));
  const socket = isSafe
    ? connectSafely({ host, port, ALPNProtocols: ["http/1.1"] })
    : connectPlainly({ host, port });
  socket.setTimeout(TIMEOUT_MILLISECONDS, () =>
    socket.destroy(new Error("the server did not answer in time")),
  );
  return await new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once(isSafe ? "secureConnect" : "connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function format({ url, headers, framing, body }: RawPut): string {
  const lines = [
    `PUT ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...[...headers].map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
    framing,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
