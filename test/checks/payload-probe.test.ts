import { describe, expect, it } from "vitest";
import {
  GATEWAY_PROBE_SIZES,
  probePayloadCheck,
  ZEROS_SHA256,
} from "../../src/checks/payload-probe.ts";
import { createFakeProbeFolder, type ProbeFaults } from "../../testkit/fake-probe-folder.ts";
import { sha256Hex } from "../../testkit/sha256-hex.ts";

const probe = (faults: ProbeFaults) =>
  probePayloadCheck(createFakeProbeFolder(faults), GATEWAY_PROBE_SIZES);

describe("probePayloadCheck", () => {
  it.each([
    { what: "a server that proves all bytes", faults: {} },
    {
      what: "another code for wrong bytes",
      faults: { refusal: { status: 400, code: "BadDigest" } },
    },
    {
      what: "a server that refuses all headers without a signature",
      faults: { refusesUnsigned: true },
    },
  ])("believes $what", async ({ faults }) => {
    expect(await probe(faults)).toEqual({ kind: "checked" });
  });

  const LARGE = { fromBytes: 8_388_609 };
  it.each<{ what: string; faults: ProbeFaults; because: RegExp }>([
    {
      what: "ignores the hash",
      faults: { ignoresHash: true },
      because: /^accepts \d+ wrong bytes$/,
    },
    {
      what: "ignores the hash of large bodies",
      faults: { ignoresHash: true, ...LARGE },
      because: /^accepts 8388609 wrong bytes$/,
    },
    { what: "stores what it refuses", faults: { storesRefused: true }, because: /^stores bytes/ },
    {
      what: "stores large bodies that it refuses",
      faults: { storesRefused: true, ...LARGE },
      because: /^stores bytes/,
    },
    {
      what: "overwrites an object before it refuses",
      faults: { replacesByRefused: true },
      because: /^changes an object/,
    },
    { what: "stores cut bodies", faults: { storesHalves: true }, because: /cut off$/ },
    {
      what: "stores a cut body over an object",
      faults: { replacesByHalves: true },
      because: /^changes an object/,
    },
    {
      what: "answers 403 to wrong bytes, as to anything else",
      faults: { refusal: { status: 403, code: "AccessDenied" } },
      because: /^does not say/,
    },
    {
      what: "answers 400 with a code that says something else",
      faults: { refusal: { status: 400, code: "InvalidArgument" } },
      because: /^does not say/,
    },
    {
      what: "refuses the right bytes",
      faults: { answer: { status: 400, code: "InvalidArgument" } },
      because: /^refuses \d+ right bytes$/,
    },
    {
      what: "accepts metadata without a signature",
      faults: { acceptsUnsigned: "x-amz-meta-probe" },
      because: /^accepts metadata/,
    },
    {
      what: "copies where nobody signed a copy",
      faults: { acceptsUnsigned: "x-amz-copy-source" },
      because: /^accepts a copy/,
    },
    { what: "accepts an old signature", faults: { acceptsOld: true }, because: /^accepts an old/ },
    {
      what: "keeps metadata that is replaced",
      faults: { keepsMetadata: true },
      because: /^keeps the metadata/,
    },
  ])("does not believe a server that $what", async ({ faults, because }) => {
    expect(await probe(faults)).toMatchObject({
      kind: "unchecked",
      because: expect.stringMatching(because),
    });
  });

  it.each([429, 500, 503])("says nothing of a server that answers %i", async (status) => {
    const found = await probe({ answer: { status, code: "SlowDown" } });
    expect(found).toEqual({
      kind: "unknown",
      detail: `the bucket answered ${status} SlowDown`,
    });
  });

  it.each(["403 AccessDenied", "404 NoSuchBucket"])(
    "says nothing of a bucket that answers %s to the right bytes",
    async (answer) => {
      const [status, code] = answer.split(" ");
      expect(await probe({ answer: { status: Number(status), code } })).toEqual({
        kind: "unknown",
        detail: `the bucket answered ${answer} to the right bytes`,
      });
    },
  );

  it("says nothing of a server that does not answer", async () => {
    const folder = createFakeProbeFolder();
    const found = await probePayloadCheck(
      { ...folder, head: () => Promise.reject(new Error("connection refused")) },
      [1],
    );
    expect(found).toEqual({ kind: "unknown", detail: "connection refused" });
    expect([...folder.objects]).toEqual([]);
  });

  it.each([{}, { storesRefused: true }, { storesHalves: true }])(
    "leaves nothing in the bucket (%o)",
    async (faults) => {
      const folder = createFakeProbeFolder(faults);
      await probePayloadCheck(folder, GATEWAY_PROBE_SIZES);
      expect([...folder.objects]).toEqual([]);
    },
  );

  it("passes on no words of the server", async () => {
    const code = "<b>\u001b[31m";
    const found = await probe({ refusal: { status: 400, code } });
    expect(JSON.stringify(found)).not.toContain("<b>");
  });
});

describe("ZEROS_SHA256", () => {
  it("holds the hashes of zeros", async () => {
    for (const size of GATEWAY_PROBE_SIZES) {
      expect(await sha256Hex(new Uint8Array(size))).toBe(ZEROS_SHA256[size]);
    }
  });
});
