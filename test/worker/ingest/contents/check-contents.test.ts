import { describe, expect, it } from "vitest";
import { parseNarinfo } from "../../../../src/nix/narinfo.ts";
import { CacheError } from "../../../../src/worker/cache-error.ts";
import {
  checkContents,
  type ContentsDecision,
  type PublicationCheck,
} from "../../../../src/worker/ingest/contents/check-contents.ts";
import type { Judgement } from "../../../../src/worker/ingest/contents/nar-contents.ts";
import { makeNar, makePackedPath } from "../../../../testkit/packed-path.ts";
import { valueOf } from "../../../../testkit/value-of.ts";
import { HASH } from "../../../../testkit/workerd/prepared.ts";
import { rejectionOf } from "../../../../testkit/workerd/rejection.ts";

const narinfoOf = async (seed: number) =>
  valueOf(parseNarinfo((await makePackedPath(HASH, makeNar(1000, seed))).narinfo, "/nix/store"));

const INCOMING = await narinfoOf(1);
const PUBLISHED = await narinfoOf(2);

type Verdict = Judgement["verdict"] | "gone";

interface Row {
  readonly what: string;
  readonly given: Partial<PublicationCheck>;
  readonly incoming?: Verdict;
  readonly published?: Verdict;
  readonly decision: ContentsDecision | "contents-disproved";
  /** Which NARs are unpacked, in order. */
  readonly unpacks: readonly ("incoming" | "published")[];
}

const KEPT: ContentsDecision = { isProved: false, replaces: false };
const PROVED: ContentsDecision = { isProved: true, replaces: false };
const SAME = { published: { ...INCOMING }, isSamePath: true };
const MOVED = { published: { ...INCOMING, url: "nar/other.nar.zst" }, isSamePath: true };
const OTHER = { published: PUBLISHED, isSamePath: false };

const ROWS: readonly Row[] = [
  { what: "new, proved", given: {}, incoming: "proved", decision: PROVED, unpacks: ["incoming"] },
  {
    what: "new, in a compression that nobody can unpack here",
    given: {},
    incoming: "unknown",
    decision: { ...KEPT, unproved: "because" },
    unpacks: ["incoming"],
  },
  ...(["disproved", "refused"] as const).map((incoming) => ({
    what: `new, ${incoming}`,
    given: {},
    incoming,
    decision: "contents-disproved" as const,
    unpacks: ["incoming" as const],
  })),
  {
    what: "published, with the gateway's signature",
    given: { ...SAME, wantsSignature: false },
    decision: KEPT,
    unpacks: [],
  },
  {
    what: "published without it, and proved",
    given: SAME,
    published: "proved",
    decision: PROVED,
    unpacks: ["published"],
  },
  {
    what: "published without it, and false",
    given: SAME,
    published: "disproved",
    decision: "contents-disproved",
    unpacks: ["published"],
  },
  {
    what: "published with another file, which is true",
    given: MOVED,
    published: "proved",
    decision: PROVED,
    unpacks: ["published"],
  },
  {
    what: "published with another file, which is false",
    given: MOVED,
    published: "disproved",
    incoming: "proved",
    decision: { isProved: true, replaces: true },
    unpacks: ["published", "incoming"],
  },
  {
    what: "published with a file that is false, and no NAR comes",
    given: { ...MOVED, isPublishable: false },
    published: "disproved",
    decision: KEPT,
    unpacks: ["published"],
  },
  {
    what: "published and signed, and no NAR comes",
    given: { ...MOVED, isPublishable: false, wantsSignature: false },
    decision: KEPT,
    unpacks: [],
  },
  ...(["proved", "unknown", "refused", "gone"] as const).map((published) => ({
    what: `other contents than published, and the published file is ${published}`,
    given: OTHER,
    published,
    decision: KEPT,
    unpacks: ["published" as const],
  })),
  {
    what: "other contents than published, which are false, and proved",
    given: OTHER,
    published: "disproved",
    incoming: "proved",
    decision: { isProved: true, replaces: true },
    unpacks: ["published", "incoming"],
  },
  {
    what: "other contents than published, which are false, and cannot be unpacked",
    given: OTHER,
    published: "disproved",
    incoming: "unknown",
    decision: KEPT,
    unpacks: ["published", "incoming"],
  },
  {
    what: "other contents than published, and both are false",
    given: OTHER,
    published: "disproved",
    incoming: "disproved",
    decision: "contents-disproved",
    unpacks: ["published", "incoming"],
  },
];

function decide({ given, incoming, published }: Omit<Row, "what">, unpacked: string[]) {
  const publication: PublicationCheck = {
    incoming: INCOMING,
    published: undefined,
    isSamePath: false,
    isPublishable: true,
    wantsSignature: true,
    ...given,
  };
  return checkContents(publication, async (narinfo) => {
    const name = narinfo === publication.published ? "published" : "incoming";
    unpacked.push(name);
    const verdict = name === "published" ? published : incoming;
    if (verdict === undefined) throw new Error(`${name} must not be unpacked`);
    if (verdict === "gone") throw new CacheError("nar-absent", narinfo.url);
    return verdict === "proved" ? { verdict } : { verdict, says: "because" };
  });
}

describe("a pushed narinfo by the contents of its NAR", () => {
  it.each(ROWS)("$what", async (row) => {
    const unpacked: string[] = [];
    const outcome = await decide(row, unpacked).catch((error: CacheError) => error.code);
    expect(outcome).toEqual(row.decision);
    expect(unpacked).toEqual(row.unpacks);
  });

  it("does not take a failure of the bucket for a verdict", async () => {
    const publication: PublicationCheck = {
      incoming: INCOMING,
      published: PUBLISHED,
      isSamePath: false,
      isPublishable: true,
      wantsSignature: true,
    };
    const failing = checkContents(publication, async () => {
      throw new CacheError("bucket-unavailable", "GET answered 503");
    });
    expect((await rejectionOf(failing)).code).toBe("bucket-unavailable");
  });
});
