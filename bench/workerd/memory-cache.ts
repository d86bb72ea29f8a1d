/**
 * A cache in memory with the protocol that workerd uses for the Cache API
 * (`cacheApiOutbound`): GET answers 504 if there is no entry, PUT stores a whole
 * response in its wire format, PURGE removes an entry. Entries never expire. With
 * KEEPS=false, the cache reads every PUT in pieces and discards it.
 */
interface Entry {
  readonly bytes: Uint8Array;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
}

const entries = new Map<string, Entry>();

export default {
  async fetch(request, env) {
    const { method, url } = request;
    switch (method) {
      case "GET":
        return answer(request, entries.get(url));
      case "PUT":
        if (env["KEEPS"] === "false") await drop(request);
        else entries.set(url, parseResponse(new Uint8Array(await request.arrayBuffer())));
        return new Response(null, { status: 204 });
      case "PURGE":
        return new Response(null, { status: entries.delete(url) ? 200 : 404 });
      default:
        return new Response(null, { status: 405 });
    }
  },
} satisfies ExportedHandler<Readonly<Record<string, string>>>;

/** The size of the pieces in which a discarded response is read. */
const PIECE_BYTES = 256 * 1024;

async function drop(request: Request): Promise<void> {
  if (Number(request.headers.get("content-length") ?? Infinity) <= PIECE_BYTES) {
    await request.arrayBuffer();
    return;
  }
  const reader = request.body?.getReader({ mode: "byob" });
  if (reader === undefined) return;
  let buffer = new ArrayBuffer(PIECE_BYTES);
  for (;;) {
    const { value, done } = await reader.readAtLeast(PIECE_BYTES, new Uint8Array(buffer));
    if (done || value.byteLength < PIECE_BYTES) return;
    buffer = value.buffer as ArrayBuffer;
  }
}

const HIT = ["cf-cache-status", "HIT"] as const;

function answer(request: Request, entry: Entry | undefined): Response {
  if (entry === undefined) {
    return new Response(null, { status: 504, headers: { "cf-cache-status": "MISS" } });
  }
  const { bytes, status, headers } = entry;
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (range === null) {
    const body = bytes.byteLength === 0 ? null : bytes;
    return new Response(body, { status, headers: headers as HeadersInit });
  }
  const first = Number(range[1]);
  const last = Math.min(Number(range[2] || Infinity), bytes.byteLength - 1);
  const part = new Headers(headers as HeadersInit);
  part.set("content-range", `bytes ${first}-${last}/${bytes.byteLength}`);
  part.set("content-length", String(last - first + 1));
  return new Response(bytes.subarray(first, last + 1), { status: 206, headers: part });
}

/** The most bytes that the head of a stored response may have. */
const HEAD_BYTES = 16 * 1024;

function parseResponse(bytes: Uint8Array): Entry {
  // In Latin-1 every character is one byte.
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, HEAD_BYTES));
  const end = start.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = start.slice(0, end).split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  return {
    bytes: bytes.subarray(end + 4),
    status: Number(statusLine.split(" ")[1]),
    headers: [...headers, HIT],
  };
}
