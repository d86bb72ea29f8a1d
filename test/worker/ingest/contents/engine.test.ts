import { describe, expect, it } from "vitest";
import {
  createEngines,
  type Engine,
  type EngineFormat,
} from "../../../../src/worker/ingest/contents/engine.ts";
import { joinBytes, makeNar, pack } from "../../../../testkit/packed-path.ts";

const MIB = 1024 * 1024;
const NAR = makeNar(200_000);
const FILE = await pack(NAR, "zstd");

/** Unpacks a whole file, and gives the engine back. */
async function unpack(
  engines: ReturnType<typeof createEngines>,
  format: EngineFormat,
  file: Uint8Array,
  wantedBytes = Infinity,
): Promise<{ engine: Engine; bytes: Uint8Array; failed: boolean }> {
  const engine = engines.acquire(format);
  const pieces: Uint8Array[] = [];
  let count = 0;
  engine.begin((bytes) => {
    pieces.push(Uint8Array.from(bytes));
    count += bytes.byteLength;
    return count < wantedBytes;
  });
  let failed = false;
  try {
    await engine.write(file);
    if (count < wantedBytes) await engine.end();
  } catch {
    failed = true;
  }
  engines.release(engine);
  return { engine, bytes: joinBytes(...pieces), failed };
}

describe("the engines of an isolate", () => {
  it("are used again, and then unpack other data", async () => {
    const engines = createEngines();
    const first = await unpack(engines, "zstd", FILE);
    const other = makeNar(100_000, 2);
    const second = await unpack(engines, "zstd", await pack(other, "zstd"));
    expect(second.engine).toBe(first.engine);
    expect(first.bytes).toEqual(NAR);
    expect(second.bytes).toEqual(other);
  });

  it("are used again after data that was not unpacked to its end", async () => {
    const engines = createEngines();
    const stopped = await unpack(engines, "zstd", FILE, 1000);
    expect(stopped.bytes.byteLength).toBeLessThan(NAR.byteLength);
    const cut = engines.acquire("zstd");
    expect(cut).toBe(stopped.engine);
    cut.begin(() => true);
    await cut.write(FILE.subarray(0, 10_000));
    engines.release(cut);
    const next = await unpack(engines, "zstd", FILE);
    expect(next).toEqual({ engine: cut, bytes: NAR, failed: false });
  });

  it.each([
    { what: "damaged data", file: joinBytes(FILE.subarray(0, 1000), new Uint8Array(1000)) },
    { what: "data without an end", file: FILE.subarray(0, -10) },
  ])("are not used again after $what", async ({ file }) => {
    const engines = createEngines();
    const { engine, failed } = await unpack(engines, "zstd", file);
    expect(failed).toBe(true);
    expect(engines.acquire("zstd")).not.toBe(engine);
  });

  it("stop in the midst of a bomb", async () => {
    const bomb = await pack(new Uint8Array(100 * MIB), "zstd");
    const engines = createEngines();
    const { engine, bytes } = await unpack(engines, "zstd", bomb, 1);
    expect(bytes.byteLength).toBeLessThan(MIB);
    expect(engines.acquire("zstd")).not.toBe(engine);
  });

  it.each(["gzip", "br"] as const)("of %s are not used again", async (format) => {
    const engines = createEngines();
    const { engine, bytes } = await unpack(engines, format, await pack(NAR, format));
    expect(bytes).toEqual(NAR);
    expect(engines.acquire(format)).not.toBe(engine);
  });
});
