import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { dropAnswer, readFileSlice, type Answer, type FileSlice } from "./answer.ts";

/** What goes wrong on the way out. */
export interface TransferFaults {
  readonly stallMs?: number;
  readonly cutAfterBytes?: number;
}

// Below it a body is read in one piece and leaves in one packet with its head.
const SMALL_BYTES = 64 * 1024;

/**
 * Sends an answer, and closes its file whatever happens. If the client goes
 * away, or the file is shorter than announced, the connection ends.
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

/** The first byte alone before a stall, and no byte after a cut. */
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

/** Closes the connection once what was written is on its way. */
async function cut(response: ServerResponse): Promise<void> {
  await new Promise((resolve) => response.write("", resolve));
  response.socket?.end(() => response.destroy());
}

/** Waits, though no longer than the client does. */
export async function pause(response: ServerResponse, durationMs: number): Promise<void> {
  if (response.destroyed) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once("close", leave);
  await sleep(durationMs, undefined, { signal: gone.signal }).catch(() => undefined);
  response.off("close", leave);
}

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

// HEAD announces what GET would send; elsewhere no body is an empty one.
function withoutBody({ status, headers }: Answer): Readonly<Record<string, string>> {
  const silent = status === 204 || status === 304 || "content-length" in headers;
  return silent ? headers : { ...headers, "content-length": "0" };
}
