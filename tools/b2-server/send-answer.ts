import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { dropAnswer, readFileSlice, type Answer, type FileSlice } from "./answer.ts";

/** The faults to inject while an answer's body is sent. */
export interface TransferFaults {
  readonly stallMs?: number;
  readonly cutAfterBytes?: number;
}

// A body up to this size is read in one piece and sent together with its headers.
const SMALL_BYTES = 64 * 1024;

/**
 * Sends an answer, and closes its file in every case. Closes the connection if
 * the client goes away, or if the file is shorter than announced. `onBytes`
 * receives the size of each chunk of the body.
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  faults: TransferFaults,
  onBytes: (count: number) => void,
): Promise<void> {
  const { status, headers, body } = answer;
  if (response.destroyed || body === undefined || response.req.method === "HEAD") {
    await dropAnswer(answer);
    response.writeHead(status, body === undefined ? withoutBody(answer) : headers).end();
    return;
  }
  try {
    const chunks = await openBody(body);
    response.writeHead(status, { ...headers, "content-length": lengthOf(body) });
    const faulty = faults.stallMs !== undefined || faults.cutAfterBytes !== undefined;
    if (chunks instanceof Uint8Array && !faulty) {
      onBytes(chunks.byteLength);
      response.end(chunks);
      return;
    }
    const source = chunks instanceof Uint8Array ? [chunks] : chunks;
    for await (const chunk of faulty ? injectFaults(response, source, faults) : source) {
      onBytes(chunk.byteLength);
      if (!response.write(chunk)) await drained(response);
      if (response.destroyed) return;
    }
    if (faults.cutAfterBytes === undefined) response.end();
    else await cut(response);
  } catch (error) {
    response.destroy();
    throw error;
  }
}

async function openBody(
  body: string | FileSlice,
): Promise<Uint8Array | AsyncGenerator<Uint8Array>> {
  if (typeof body === "string") return Buffer.from(body);
  if (body.length > SMALL_BYTES) return readFileSlice(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFileSlice(body)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Yields `chunks` under faults: with `stallMs`, the first byte comes alone and a
 * pause follows; with `cutAfterBytes`, no further byte comes.
 */
async function* injectFaults(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { stallMs, cutAfterBytes = Infinity }: TransferFaults,
): AsyncGenerator<Uint8Array> {
  let left = cutAfterBytes;
  let pauseMs = stallMs;
  for await (const chunk of chunks) {
    let rest = chunk.subarray(0, Math.min(left, chunk.byteLength));
    left -= rest.byteLength;
    if (pauseMs !== undefined && rest.byteLength > 0) {
      yield rest.subarray(0, 1);
      rest = rest.subarray(1);
      await pause(response, pauseMs);
      pauseMs = undefined;
    }
    if (rest.byteLength > 0) yield rest;
    if (left === 0) return;
  }
}

/** Closes the connection once the bytes written so far are handed to the system. */
async function cut(response: ServerResponse): Promise<void> {
  await new Promise((resolve) => response.write("", resolve));
  response.socket?.end(() => response.destroy());
}

/** Waits for `durationMs`, or until the client closes the connection. */
export async function pause(response: ServerResponse, durationMs: number): Promise<void> {
  if (response.destroyed) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once("close", leave);
  await sleep(durationMs, undefined, { signal: gone.signal }).catch(() => undefined);
  response.off("close", leave);
}

/** Waits until the response accepts more bytes, or until it is closed. */
async function drained(response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const settled = [
    once(response, "drain", { signal: gone.signal }),
    once(response, "close", { signal: gone.signal }),
  ];
  try {
    if (!response.destroyed) await Promise.race(settled);
  } finally {
    gone.abort();
    await Promise.allSettled(settled);
  }
}

function lengthOf(body: string | FileSlice): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.length;
}

// An answer to HEAD announces the length that GET would send. Any other answer
// without a body announces length 0.
function withoutBody({ status, headers }: Answer): Readonly<Record<string, string>> {
  const silent = status === 204 || status === 304 || "content-length" in headers;
  return silent ? headers : { ...headers, "content-length": "0" };
}
