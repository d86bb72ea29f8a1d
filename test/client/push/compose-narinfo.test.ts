import { describe, expect, it } from "vitest";
import { choosePath } from "../../../src/client/push/choose-paths.ts";
import { composeNarinfo, signNarinfo } from "../../../src/client/push/compose-narinfo.ts";
import { parsePathInfos } from "../../../src/client/local-nix/path-info.ts";
import { formatFingerprint } from "../../../src/nix/fingerprint.ts";
import { formatNarinfo, type Narinfo } from "../../../src/nix/narinfo.ts";
import { narKey } from "../../../src/nix/object-key.ts";
import {
  generateSecretKey,
  parseSecretKey,
  parseSignature,
  publicKeyOf,
  verifySignature,
} from "../../../src/nix/signature.ts";
import { SHAPES } from "./data/path-infos.ts";

const STORE_DIR = "/nix/store";

function readInfo() {
  const infos = parsePathInfos(JSON.stringify(SHAPES[2]?.json), STORE_DIR);
  if (!infos.ok || infos.value[0] === undefined) throw new Error("no info");
  return infos.value[0];
}

const fileHash = { algorithm: "sha256", bytes: new Uint8Array(32) } as const;
const FILE = {
  key: narKey(fileHash, "zstd"),
  compression: "zstd",
  fileHash,
  fileSize: 99,
} as const;

async function createKey(name: string) {
  const key = parseSecretKey(await generateSecretKey(name));
  if (!key.ok) throw new Error(key.error);
  return key.value;
}

describe("composeNarinfo", () => {
  it("writes what Nix would write", () => {
    const signature = `${"A".repeat(86)}==`;
    const zeros = "0".repeat(52);
    expect(formatNarinfo(composeNarinfo(readInfo(), FILE, STORE_DIR))).toBe(
      [
        "StorePath: /nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar",
        `URL: nar/${zeros}.nar.zst`,
        "Compression: zstd",
        `FileHash: sha256:${zeros}`,
        "FileSize: 99",
        "NarHash: sha256:09ymwqf5i9q7d4dm7x4pjjcqqj0qrcp5lnznbh42gfsci5hcbqqm",
        "NarSize: 34878",
        "References: g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar n5wkd9frr45pa74if5gpz9j7mifg27fh-foo",
        "Deriver: g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar.drv",
        `Sig: asdf:${signature}`,
        `Sig: qwer:${signature}`,
        "CA: fixed:r:sha256:1lr187v6dck1rjh2j6svpikcfz53wyl3qrlcbb405zlh13x0khhh",
        "",
      ].join("\n"),
    );
  });

  it("keeps the line of references where there are none", () => {
    const narinfo = composeNarinfo({ ...readInfo(), references: [] }, FILE, STORE_DIR);
    expect(formatNarinfo(narinfo)).toContain("\nReferences: \n");
  });
});

describe("signNarinfo", () => {
  it("adds a signature that verifies, and keeps the others", async () => {
    const key = await createKey("own-1");
    const narinfo = composeNarinfo(readInfo(), FILE, STORE_DIR);
    const signed = await signNarinfo(narinfo, key, STORE_DIR);
    expect(signed.signatures.slice(0, 2)).toEqual(narinfo.signatures);
    const signature = parseSignature(signed.signatures[2] ?? "");
    if (!signature.ok) throw new Error(signature.error);
    const fingerprint = formatFingerprint(narinfo, STORE_DIR);
    expect(await verifySignature(publicKeyOf(key), fingerprint, signature.value)).toBe(true);
  });
});

describe("choosePath", () => {
  const published = composeNarinfo(readInfo(), FILE, STORE_DIR);

  async function choose(options: {
    published?: Narinfo | "unreadable";
    /** The answer to HEAD of the NAR. */
    nar?: { readonly status: number; readonly length?: number };
    isRepair?: boolean;
    upstreamKeys?: readonly string[];
    keyName?: string;
    publicKeys?: readonly string[];
  }) {
    const { nar = { status: 200, length: FILE.fileSize } } = options;
    return await choosePath(readInfo(), {
      client: {
        readNarinfo: async (_hash, _storeDir, isFresh) => {
          expect(isFresh).toBe(true);
          return options.published;
        },
        send: async () => ({
          status: nar.status,
          headers: new Headers(
            nar.length === undefined ? {} : { "content-length": String(nar.length) },
          ),
          body: Buffer.alloc(0),
        }),
      },
      isRepair: options.isRepair ?? false,
      canReplace: false,
      keys: { publicKeys: options.publicKeys ?? [], storeDir: STORE_DIR },
      storeDir: STORE_DIR,
      upstreamKeys: new Set(options.upstreamKeys),
      signKey: options.keyName === undefined ? undefined : await createKey(options.keyName),
    });
  }

  it("warns of a path that no client accepts, if the cache publishes a key", async () => {
    const publicKeys = ["other-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="];
    expect(await choose({ published, publicKeys })).toMatchObject({
      kind: "skip",
      isSuspicious: true,
      reason: expect.stringContaining("clients do not accept it"),
    });
  });

  it("pushes what the cache lacks", async () => {
    expect(await choose({})).toEqual({ kind: "push" });
  });

  it.each([
    { what: "what the cache has", options: { published }, reason: "in the cache" },
    {
      what: "what an upstream key signed",
      options: { upstreamKeys: ["other", "qwer"] },
      reason: "signed by qwer",
    },
    {
      what: "what its own key has signed there",
      options: { published, keyName: "asdf" },
      reason: "in the cache",
    },
  ])("skips $what", async ({ options, reason }) => {
    expect(await choose(options)).toEqual({ kind: "skip", reason, isSuspicious: false });
  });

  it.each([
    { what: "is gone", nar: { status: 404 } },
    { what: "is cut", nar: { status: 200, length: 3 } },
  ])("pushes again with --repair what is there and whose NAR $what", async ({ nar }) => {
    expect(await choose({ published, nar, isRepair: true })).toEqual({ kind: "push" });
    expect(await choose({ published, nar })).toMatchObject({ kind: "skip" });
    expect(await choose({ published, isRepair: true })).toMatchObject({ kind: "skip" });
  });

  it("takes what only Nix can read for there", async () => {
    expect(await choose({ published: "unreadable", keyName: "own-1" })).toEqual({
      kind: "skip",
      reason: "in the cache, in a compression that only Nix reads",
      isSuspicious: false,
    });
  });

  it("signs what is there without its signature", async () => {
    expect(await choose({ published, keyName: "own-1" })).toEqual({ kind: "sign", published });
  });

  it("finds it suspicious that other contents are published, and signs none of them", async () => {
    const other = { ...published, narSize: published.narSize + 8 };
    expect(await choose({ published: other, keyName: "own-1" })).toEqual({
      kind: "skip",
      reason: "in the cache with other contents",
      isSuspicious: true,
    });
  });
});
