import { describe, expect, it } from "vitest";
import { countHits } from "../../src/action/new-paths.ts";
import { formatJobSummary } from "../../src/action/format-job-summary.ts";
import { parsePathInfos } from "../../src/client/local-nix/path-info.ts";
import type { PathOutcome } from "../../src/client/push/push-report.ts";
import { parseStorePathBaseName } from "../../src/nix/store-path.ts";
import { valueOf } from "../../testkit/value-of.ts";

const HASH = "bmzwz4nw9l9hfw14g35x4qj231imizfk";
const URL = "https://cache.example.org";
const path = valueOf(parseStorePathBaseName(`${HASH}-hello-2.12`));

/** Returns path infos like those of `nix path-info --json`. */
function infosOf(list: readonly { readonly ultimate?: boolean; readonly signatures?: string[] }[]) {
  const printed = list.map((fields, index) => ({
    path: `/nix/store/${HASH}-p${index}`,
    narHash: "sha256-mKNjVZ7BVNKbVTOfqMSvmJ/sT0CgV8t6n6iPLqzYZTA=",
    narSize: 1000 + index,
    references: [],
    ...fields,
  }));
  return valueOf(parsePathInfos(JSON.stringify(printed), "/nix/store"));
}

describe("countHits", () => {
  it("tells what was pulled from this cache, from others, and made here", () => {
    const infos = infosOf([
      { signatures: ["cache.nixos.org-1:AAAA"] },
      { signatures: ["cache.nixos.org-1:AAAA", "ours-1:AAAA"] },
      { signatures: ["ours-10:AAAA"] },
      { ultimate: true, signatures: ["ours-1:AAAA"] },
      { ultimate: true },
      {},
    ]);
    expect(countHits(infos, ["ours-1:BBBB"])).toEqual({
      fromCache: { paths: 1, narBytes: 1001 },
      fromElsewhere: { paths: 2, narBytes: 2002 },
      made: { paths: 3, narBytes: 3012 },
    });
  });
});

describe("formatJobSummary", () => {
  const hits = {
    fromCache: { paths: 12, narBytes: 3 * 1024 * 1024 },
    fromElsewhere: { paths: 1, narBytes: 2048 },
    made: { paths: 0, narBytes: 0 },
  };

  it("tells what was pushed, skipped and failed, and the hits", () => {
    const outcomes: readonly PathOutcome[] = [
      { kind: "pushed", path, narSize: 9000, fileSize: 2048, sentBytes: 2048, seconds: 1 },
      { kind: "pushed", path, narSize: 9000, fileSize: 4096, sentBytes: 0, seconds: 1 },
      { kind: "skipped", path, reason: "in the cache", isSuspicious: false },
      { kind: "skipped", path, reason: "in the cache", isSuspicious: false },
      { kind: "skipped", path, reason: "signed by cache.nixos.org-1", isSuspicious: false },
      { kind: "failed", path, message: "PUT: 400 <b>no</b> | yes" },
      { kind: "untried", path },
    ];
    const push = { outcomes, seconds: 4.2, stopped: "api/v1/uploads: 403 no" };
    expect(formatJobSummary({ url: URL, push, hits })).toBe(`### Nix cache cache.example.org

| | |
| --- | --- |
| Pushed | 2 paths, 2.0 KiB sent in 4.2 s |
| Skipped | 2 in the cache, 1 signed by cache.nixos.org-1 |
| Failed | 1 path |
| Not tried | 1 path |
| Stopped | api/v1/uploads: 403 no |
| Pulled from this cache | 12 paths, 3.0 MiB unpacked |
| Pulled from other caches | 1 path, 2.0 KiB unpacked |
| Built or added here | nothing |

<details><summary>Failed paths</summary>

- ${HASH}-hello-2.12: PUT: 400 &lt;b>no&lt;/b> | yes

</details>

<details><summary>Pushed paths</summary>

- ${HASH}-hello-2.12 (2.0 KiB)
- ${HASH}-hello-2.12 (4.0 KiB)

</details>
`);
  });

  it("tells why nothing was pushed, and lets no message out of its cell", () => {
    const push = { reason: "an <a> | b\nc" };
    expect(formatJobSummary({ url: URL, push, hits: undefined }))
      .toBe(`### Nix cache cache.example.org

| | |
| --- | --- |
| Pushed | nothing: an &lt;a> \\| b c |
`);
  });

  it("lists a hundred paths and counts the rest", () => {
    const pushed = {
      kind: "pushed",
      path,
      narSize: 1,
      fileSize: 1,
      sentBytes: 1,
      seconds: 1,
    } as const;
    const outcomes = Array.from({ length: 103 }, () => pushed);
    const text = formatJobSummary({
      url: URL,
      push: { outcomes, seconds: 1, stopped: undefined },
      hits,
    });
    expect(text.match(/^- bmz/gm)).toHaveLength(100);
    expect(text).toContain("- … and 3 more");
  });
});
