const CACHE = "https://cache.example";
const BUCKET = "https://bucket.example";

/** The faults of the fake. It calls a fault first, and works normally if the fault returns undefined. */
export interface UploadFaults {
  /** The answer to the PUT of a part, instead of storing it. */
  part?(number: number, url: URL): Response | undefined;
  /** The answer to the nth call of `complete`, instead of completing. */
  complete?(count: number): Response | undefined;
  /** The answer to the nth call of `start`. */
  start?(count: number): Response | undefined;
}

export interface FakeUploadServer {
  readonly fetch: typeof fetch;
  readonly url: string;
  /** All requests, such as `PUT part 3` and `POST uploads/complete`. */
  readonly log: string[];
  /** The parts of the open upload: bytes by part number. */
  readonly parts: Map<number, Buffer>;
  /** Returns the file after it is stored. */
  stored(): Buffer | undefined;
  /** Drops the open upload, as a bucket's lifecycle rule does. */
  forget(): void;
}

/** Creates a `fetch` that is the upload API and the bucket behind it. */
export function createFakeUploadServer(
  sizeBytes: number,
  partSize: number,
  faults: UploadFaults = {},
  urlsExpire: () => Date = () => new Date(Date.now() + 3_600_000),
): FakeUploadServer {
  const log: string[] = [];
  const parts = new Map<number, Buffer>();
  let stored: Buffer | undefined;
  let generation = 1;
  const counts = { complete: 0, start: 0 };
  const partCount = Math.ceil(sizeBytes / partSize);
  const allNumbers = Array.from({ length: partCount }, (_, index) => index + 1);

  function sign(numbers: readonly number[]) {
    return {
      urls: numbers.map((number) => ({ number, url: `${BUCKET}/${generation}/${number}` })),
      urlsExpire: urlsExpire().toISOString(),
    };
  }
  const listed = () => [...parts].map(([number, bytes]) => ({ number, size: bytes.byteLength }));

  function answerApi(target: string, input: { handle?: string; parts?: number[] }): Response {
    if (target === "uploads") {
      const fault = faults.start?.(++counts.start);
      if (fault !== undefined) return fault;
      if (stored !== undefined) return Response.json({ status: "stored" });
      const missing = allNumbers.filter((number) => !parts.has(number)).slice(0, 3);
      const handle = String(generation);
      return Response.json({
        status: "open",
        handle,
        handleExpires: urlsExpire().toISOString(),
        size: sizeBytes,
        partSize,
        parts: listed(),
        ...sign(missing),
      });
    }
    if (target === "uploads/complete") {
      const fault = faults.complete?.(++counts.complete);
      if (fault !== undefined) return fault;
    }
    if (input.handle !== String(generation)) return refuse(404, "upload-gone");
    if (target === "uploads/urls") return Response.json(sign(input.parts ?? []));
    if (target === "uploads/parts") return Response.json({ parts: listed() });
    const missing = allNumbers.find((number) => !parts.has(number));
    if (missing !== undefined) return refuse(409, "upload-incomplete");
    stored = Buffer.concat(allNumbers.map((number) => parts.get(number) ?? Buffer.alloc(0)));
    return lines({ status: "checking", bytes: sizeBytes, size: sizeBytes }, { status: "stored" });
  }

  async function answerPart(url: URL, request: Request): Promise<Response> {
    const [, wanted, text] = url.pathname.split("/");
    const number = Number(text);
    log.push(`PUT part ${number}`);
    if (request.headers.has("authorization")) throw new Error("the bucket was shown the token");
    const bytes = Buffer.from(await request.arrayBuffer());
    if (request.headers.get("content-length") !== String(bytes.byteLength)) {
      throw new Error("Content-Length is not the part's");
    }
    const fault = faults.part?.(number, url);
    if (fault !== undefined) return fault;
    if (wanted !== String(generation)) return new Response("NoSuchUpload", { status: 404 });
    parts.set(number, bytes);
    return new Response(null, { status: 200 });
  }

  return {
    url: CACHE,
    log,
    parts,
    async fetch(input, init) {
      const request = new Request(input, init);
      const url = new URL(request.url);
      if (url.origin === BUCKET) return await answerPart(url, request);
      const target = url.pathname.replace("/api/v1/", "");
      log.push(`${request.method} ${target}`);
      return answerApi(target, JSON.parse(await request.text()));
    },
    stored: () => stored,
    forget() {
      generation++;
      parts.clear();
    },
  };
}

/** Returns a failure as the API answers it. */
export function refuse(status: number, code: string): Response {
  return Response.json({ error: { code, message: `told ${code}`, requestId: "1" } }, { status });
}

/** Returns an answer of JSON lines. */
export function lines(...values: readonly object[]): Response {
  return new Response(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}

/** Returns an answer of JSON lines whose connection then breaks. */
export function brokenLines(...values: readonly object[]): Response {
  const text = values.map((value) => `${JSON.stringify(value)}\n`).join("");
  const chunks = [new TextEncoder().encode(text)];
  return new Response(
    new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.error(new Error("reset"));
        else controller.enqueue(chunk);
      },
    }),
  );
}
