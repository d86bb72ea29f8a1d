import { expect } from "vitest";
import { openB2 } from "./b2.ts";
import { cutPart, type LargeNar, makeLargeNar } from "./direct-upload.ts";
import { PREFIX, PUSH_TOKEN, startGateway, type TestGateway } from "./gateway.ts";
import { sha256Hex } from "../sha256-hex.ts";

/** What the API says of a failure. */
export interface ApiError {
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
}

/** The answer to `POST /api/v1/uploads`. */
export interface Started {
  readonly status: string;
  readonly handle: string;
  readonly handleExpires: string;
  readonly size: number;
  readonly partSize: number;
  readonly parts: readonly { readonly number: number; readonly size: number }[];
  readonly urls: readonly { readonly number: number; readonly url: string }[];
  readonly urlsExpire: string;
}

/** A request of the API as its client makes it. */
export function apiRequest(body: unknown, token: string | undefined = PUSH_TOKEN): RequestInit {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    method: "POST",
    body: text,
    headers: {
      "content-type": "application/json",
      "content-length": String(new TextEncoder().encode(text).byteLength),
      ...(token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` }),
    },
  };
}

/** POSTs to a path below `/api/v1/`; an empty token is none. */
export async function post(
  { request }: TestGateway,
  path: string,
  body: unknown,
  token?: string,
): Promise<Response> {
  return await request(`/api/v1/${path}`, apiRequest(body, token));
}

export async function errorOf(response: Response): Promise<ApiError> {
  const { error }: { error: ApiError } = await response.json();
  return error;
}

/** The lines of an answer that tells how far it is. */
export async function linesOf(response: Response): Promise<readonly Record<string, unknown>[]> {
  // Not text(), which warns that the type is not one of text.
  const text = new TextDecoder().decode(await response.arrayBuffer());
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  return text
    .trimEnd()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));
}

export function uploadOf(nar: LargeNar) {
  return { fileHash: nar.fileHash, size: nar.bytes.byteLength, extension: ".zst" };
}

export async function start(gateway: TestGateway, nar: LargeNar, token?: string): Promise<Started> {
  const response = await post(gateway, "uploads", uploadOf(nar), token);
  if (response.status !== 200) throw new Error(`start: ${await response.text()}`);
  return await response.json();
}

/** PUTs the parts that are asked for, of the right bytes or of others. */
export async function sendParts(started: Started, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  for (const { number, url } of started.urls) {
    const response = await fetch(url, { method: "PUT", body: cutPart(bytes, number) });
    await response.body?.cancel();
    if (response.status !== 200) throw new Error(`part ${number} answered ${response.status}`);
  }
}

/** The unfinished uploads of a gateway's bucket. */
export async function openUploads({ bucket }: TestGateway): Promise<readonly string[]> {
  const b2 = await openB2({ config: { bucket: bucket.name } });
  return (await b2.bucket.listUploads("")).map(({ path }) => path);
}

export interface SentNar {
  readonly gateway: TestGateway;
  readonly nar: LargeNar;
  readonly started: Started;
  complete(): Promise<Response>;
}

/** An upload of which every part is in the bucket. */
export async function sendAll(
  settings: Record<string, string> = {},
  bytesOf = (nar: LargeNar) => nar.bytes,
): Promise<SentNar> {
  const gateway = await startGateway(settings);
  const nar = await makeLargeNar();
  const started = await start(gateway, nar);
  await sendParts(started, bytesOf(nar));
  return {
    gateway,
    nar,
    started,
    complete: () => post(gateway, "uploads/complete", { handle: started.handle }),
  };
}

/** The bucket holds the NAR and nothing else, and its bytes are what is read. */
export async function expectStored({ gateway, nar }: SentNar): Promise<void> {
  expect(await gateway.bucket.listKeys()).toEqual([PREFIX + nar.key.path]);
  expect(await openUploads(gateway)).toEqual([]);
  const response = await gateway.request(`/${nar.key.path}`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/x-nix-nar");
  expect(await sha256Hex(new Uint8Array(await response.arrayBuffer()))).toBe(nar.sha256);
}
